import { z } from 'zod'
import type { Arrivals } from '../../simulation/arrivals.ts'
import type { Distribution } from '../../simulation/distribution.ts'
import type { ServiceTime } from '../../simulation/scenario.ts'
import type { StageOptions } from '../../pipeline/stage-options.ts'
import { chosenBy, kindsOf, namedObject } from './named-object.ts'

/** Service times that a running server has measured; from its address or a file, of which one is given. */
export interface MetricsSource {
  readonly kind: 'metrics'
  readonly url?: string
  readonly file?: string
}

/** Arrivals as a file has them: those of a trace may be in a file of their own. */
export type WrittenArrivals = Arrivals | { readonly kind: 'trace'; readonly file: string }

const number = z.number()
const optional = number.optional()
const numbers = z.array(number)
const ignored = z.unknown().optional()

const distributions = {
  constant: { ms: number },
  exponential: { meanMs: number },
  'log-normal': { medianMs: number, p99Ms: number },
  pareto: { minMs: number, shape: number },
  empirical: { boundsMs: numbers, counts: numbers, meanMs: optional },
} as const
const neither = z.custom(() => false, { error: 'must be a number of milliseconds or a distribution' })

const distribution = durations<Distribution>(kindsOf(distributions, neither))
const stream = namedObject({ firstChunk: distribution, rest: distribution })
const value = durations<Distribution | MetricsSource>(
  kindsOf({ ...distributions, metrics: { url: z.string().optional(), file: z.string().optional() } }, neither),
)
const serviceTime = chosenBy<ServiceTime | MetricsSource>((given) =>
  typeof given === 'object' && given !== null && ('firstChunk' in given || 'rest' in given) ? stream : value,
)

const rate = { perSecond: number }
const arrivals = kindsOf<WrittenArrivals>({
  poisson: rate,
  constant: rate,
  bursty: { ...rate, burst: number },
  'on-off': { ...rate, onMs: number, offMs: number },
  trace: { file: z.string().optional(), atMs: numbers.optional() },
})

const overload = kindsOf<StageOptions['overload']>({
  codel: { targetMs: number, intervalMs: optional },
  dagor: { targetMs: number, windowMs: optional },
  deadline: {},
})

/** The limits of a stage as a file has them. */
export interface WrittenStage {
  readonly name: string
  readonly capacity: number
  readonly concurrency?: number | undefined
  readonly overflow?: 'drop-newest' | 'drop-oldest' | 'fail' | undefined
  readonly overload?: StageOptions['overload'] | undefined
  readonly ttlMs?: number | undefined
  readonly timeoutMs?: number | undefined
  readonly wait?: StageOptions['wait'] | undefined
}

/** What a file is. */
export interface WrittenSimulation {
  readonly name?: string | undefined
  readonly stages?: readonly WrittenStage[] | undefined
  readonly simulation: {
    readonly arrivals: WrittenArrivals
    readonly service: Readonly<Record<string, ServiceTime | MetricsSource>>
    readonly durationMs: number
    readonly warmupMs?: number | undefined
    readonly seed?: number | undefined
    readonly deadlineMs?: Distribution | undefined
    readonly admission?: 'door' | 'stage' | undefined
    readonly scale?: number | undefined
  }
}

const stage = namedObject({
  name: z.string(),
  capacity: number,
  concurrency: optional,
  overflow: z.enum(['drop-newest', 'drop-oldest', 'fail']).optional(),
  overload: overload.optional(),
  ttlMs: optional,
  timeoutMs: optional,
  wait: namedObject({
    ms: number,
    max: number,
    for: z.enum(['high', 'all']).optional(),
    backoff: namedObject({ initialMs: number, maxMs: number, factor: optional }).optional(),
  }).optional(),
  // What a stage does, and what becomes of it when it crashes, takes no part in a simulation.
  ...{ use: ignored, with: ignored, deadLetter: ignored, onCrash: ignored, health: ignored },
  ...{ setupTimeoutMs: ignored, teardownTimeoutMs: ignored },
})

const simulation = namedObject({
  arrivals,
  service: z.record(z.string(), serviceTime),
  durationMs: number,
  warmupMs: optional,
  seed: optional,
  deadlineMs: distribution.optional(),
  admission: z.enum(['door', 'stage']).optional(),
  scale: optional,
})

/** A configuration file as far as it is about channels, with what is to be simulated; ranges are checked by the simulation. */
export const simulationSchema: z.ZodType<WrittenSimulation> = namedObject({
  name: z.string().optional(),
  stages: z.array(stage).optional(),
  simulation,
  ...{ workers: ignored, stores: ignored, supervision: ignored, server: ignored },
}) as z.ZodType<WrittenSimulation>

function durations<T>(object: z.ZodType<T>): z.ZodType<T> {
  return chosenBy<unknown>((given) => (typeof given === 'number' ? number : object)) as z.ZodType<T>
}
