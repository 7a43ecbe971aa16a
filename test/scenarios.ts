/** How many random scenarios `npm test` plays on the virtual clock, by what is played; 10,000 in all. */
export const planned = {
  'drop-newest': 2_000,
  'drop-oldest': 2_000,
  'drop-lowest': 2_000,
  fail: 2_000,
  pipelines: 1_700,
  'chat pipelines': 300,
} as const

/** `npm run test:soak` plays a hundred times as many: 1,000,000 in all. */
const times = Number(process.env['SCENARIOS_TIMES'] ?? 1)
if (!(times > 0)) throw new RangeError(`SCENARIOS_TIMES must be a number above 0, got ${String(times)}`)

/** How many scenarios are to be played of one kind, 1 …. */
export function scenarios(kind: keyof typeof planned): number {
  return Math.max(1, Math.round(planned[kind] * times))
}
