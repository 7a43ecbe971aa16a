import type { Stage } from '../stage-context.ts'

/**
 * How many requests nobody is waiting for may go in: as many as leave every channel under half of its places, and none
 * while a stage is down, starting or paused, or somebody waits for room.
 */
export function sparePlaces(nodes: readonly Stage[]): number {
  return Math.min(...nodes.map(sparePlacesOf))
}

function sparePlacesOf(node: Stage): number {
  const { ahead, channel, settings, depth, pending } = node
  if (node.state !== 'running' || pending > 0) return 0
  if (settings.weighted) return 2 * depth < Math.max(1, channel.capacity) ? Infinity : 0
  const taken = ahead + channel.size + channel.running
  return Math.max(0, Math.ceil((channel.capacity + channel.concurrency) / 2) - taken)
}
