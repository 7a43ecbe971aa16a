/** How much the tests play of what is random or long: all, by default; mutation testing plays a small part. */
const effort = Number(process.env['TEST_EFFORT'] ?? 1)
if (!(effort > 0)) throw new RangeError(`TEST_EFFORT must be a number above 0, got ${String(effort)}`)

/** How many cases of a property, or items of a long run, are played where `npm test` plays `count`; never more. */
export function scaled(count: number): number {
  return Math.max(1, Math.round(count * Math.min(1, effort)))
}

/** How many faults are injected where `npm test` injects `count`, 1 …; `npm run test:faults` injects twenty times as many. */
export function faults(count: number): number {
  return Math.max(1, Math.round(count * effort))
}

/** How many random scenarios `npm test` plays on the virtual clock, by what is played: 10,000 of operators and pipelines. */
export const planned = {
  'drop-newest': 2_000,
  'drop-oldest': 2_000,
  'drop-lowest': 2_000,
  fail: 2_000,
  pipelines: 1_700,
  'chat pipelines': 300,
  supervisors: 1_500,
} as const

/** How many scenarios are to be played of one kind, 1 …; `npm run test:soak` plays a hundred times as many. */
export function scenarios(kind: keyof typeof planned): number {
  return Math.max(1, Math.round(planned[kind] * effort))
}
