import { collectDefaultMetrics, type Registry } from 'prom-client'

/**
 * Adds the figures of the Node.js process to a registry: processor time, memory, event loop, garbage collection.
 *
 * Three of prom-client's are left out: they are gauges that are named like counters, which `promtool check
 * metrics` refuses.
 */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry })
  for (const name of misnamed) registry.removeSingleMetric(name)
}

const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']
