import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { pipeline } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

const definition = pipeline<string>('p').stage('one', (text) => text, { capacity: 1 })

/** How many requests the metrics say have completed. */
async function completed(registry: Registry, prefix = 'orchestrator_'): Promise<number | undefined> {
  const start = `${prefix}requests_total{outcome="completed"`
  const line = (await registry.metrics()).split('\n').find((text) => text.startsWith(start))
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1))
}

describe('a registry', () => {
  it('is left clean by a start that is refused', async () => {
    const registry = new Registry()
    const clock = new VirtualClock()
    expect(() => definition.start({ clock, registry, supervision: { maxRestarts: -1 } })).toThrow(RangeError)
    expect(registry.getMetricsAsArray()).toEqual([])
    definition.start({ clock, registry }).submit('a')
    expect(await completed(registry)).toBe(1)
  })

  it('can be used again after a drain, for the books of the next start', async () => {
    const registry = new Registry()
    const clock = new VirtualClock()
    const before = definition.start({ clock, registry })
    for (const text of ['a', 'b']) before.submit(text)
    expect(await completed(registry)).toBe(2)
    await before.drain()
    const after = definition.start({ clock, registry })
    expect(await completed(registry)).toBe(0)
    after.submit('c')
    expect(await completed(registry)).toBe(1)
  })

  it('is shared by two that run, each with its own prefix, and outlives the drain of one', async () => {
    const registry = new Registry()
    const clock = new VirtualClock()
    const left = definition.start({ clock, registry, metricsPrefix: 'left_' })
    const right = definition.start({ clock, registry, metricsPrefix: 'right_' })
    for (const text of ['a', 'b']) left.submit(text)
    right.submit('c')
    expect([await completed(registry, 'left_'), await completed(registry, 'right_')]).toEqual([2, 1])
    await left.drain()
    right.submit('d')
    expect(await completed(registry, 'right_')).toBe(2)
  })
})
