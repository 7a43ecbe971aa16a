import * as fc from 'fast-check'
import type { StageWait } from '../../../src/index.ts'

/** What one stage's handler does with one request. */
export interface Step {
  /** `hang` never returns and ignores its signal, `heed` waits for it; `collect` reads the stream that it was given. */
  readonly act: 'value' | 'stream' | 'collect' | 'reject' | 'throw' | 'hang' | 'heed' | 'crash'
  /** Until it does so, in milliseconds; 0: at once, without a promise. */
  readonly ms: number
  readonly chunks: number
  /** Before each chunk; 0: all in one go. */
  readonly chunkMs: number
  /** The stream errors instead of giving its last chunk. */
  readonly breaks: boolean
  /** The stream waits while its reader has no room. */
  readonly polite: boolean
}

/** How a caller reads its reply. */
interface Reading {
  readonly kind: 'none' | 'push' | 'pull'
  readonly afterMs: number
  /** Between one batch and the next. */
  readonly paceMs: number
  /** It goes away after so many chunks. */
  readonly stopAfter: number
}

/** One request of a scenario and all that is to become of it. */
export interface Arrival {
  readonly atMs: number
  readonly deadlineMs: number | undefined
  readonly cancelAfterMs: number | undefined
  readonly reading: Reading
  /** What the stages are told of it; `NaN` is no answer that they can take. */
  readonly weight: number
  readonly priority: number
  readonly isHigh: boolean
  readonly steps: readonly Step[]
}

/** One stage of a scenario. */
export interface StagePlan {
  readonly capacity: number
  readonly concurrency: number
  readonly overflow: 'drop-newest' | 'drop-oldest' | 'drop-lowest' | 'fail'
  readonly weighted: boolean
  readonly prioritised: boolean
  readonly ttlMs: number
  readonly timeoutMs: number
  readonly wait: StageWait | undefined
}

/** A change of a stage's limits while it runs. */
interface LimitChange {
  readonly atMs: number
  readonly stage: number
  readonly capacity: number
  readonly concurrency: number
}

/** A pipeline and what happens to it, with nothing left to chance. */
export interface Scenario {
  readonly stages: readonly StagePlan[]
  readonly admission: 'door' | 'stage'
  readonly streamBuffer: number
  readonly maxRestarts: number
  readonly changes: readonly LimitChange[]
  readonly arrivals: readonly Arrival[]
}

const step: fc.Arbitrary<Step> = fc.record({
  act: fc.oneof(
    { weight: 8, arbitrary: fc.constant('value' as const) },
    { weight: 5, arbitrary: fc.constant('stream' as const) },
    { weight: 3, arbitrary: fc.constantFrom('collect', 'reject', 'throw', 'hang', 'heed', 'crash' as const) },
  ),
  ms: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 12 })),
  chunks: fc.integer({ min: 0, max: 6 }),
  chunkMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5 })),
  breaks: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  polite: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
})

const reading: fc.Arbitrary<Reading> = fc.record({
  kind: fc.constantFrom('none', 'push', 'pull', 'pull'),
  afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 })),
  paceMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 })),
  stopAfter: fc.oneof(
    { weight: 4, arbitrary: fc.constant(Infinity) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) },
  ),
})

const sometimes = (min: number, max: number): fc.Arbitrary<number | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.integer({ min, max }) })

const arrival: fc.Arbitrary<Arrival> = fc.record({
  atMs: fc.integer({ min: 0, max: 40 }),
  deadlineMs: sometimes(1, 60),
  cancelAfterMs: sometimes(0, 40),
  reading,
  weight: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(0.5, 1, 1, 2, 3, 5) },
    { weight: 1, arbitrary: fc.constant(NaN) },
  ),
  priority: fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: -2, max: 2 }) },
    { weight: 1, arbitrary: fc.constant(NaN) },
  ),
  isHigh: fc.boolean(),
  steps: fc.array(step, { minLength: 5, maxLength: 5 }),
})

const rarely: fc.Arbitrary<boolean> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(false) },
  { weight: 1, arbitrary: fc.constant(true) },
)

const limit: fc.Arbitrary<number> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(Infinity) },
  { weight: 1, arbitrary: fc.integer({ min: 2, max: 25 }) },
)

const stageWait: fc.Arbitrary<StageWait> = fc.record(
  {
    ms: fc.integer({ min: 1, max: 30 }),
    max: fc.integer({ min: 1, max: 4 }),
    backoff: fc.constantFrom({ initialMs: 1, maxMs: 8 }, { initialMs: 4, maxMs: 4, factor: 1 }),
    for: fc.constantFrom('high', 'all'),
  },
  { requiredKeys: ['ms', 'max'] },
)

const limitChange: fc.Arbitrary<LimitChange> = fc.record({
  atMs: fc.integer({ min: 0, max: 60 }),
  stage: fc.integer({ min: 0, max: 4 }),
  capacity: fc.integer({ min: 0, max: 6 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
})

const stagePlan: fc.Arbitrary<StagePlan> = fc.record({
  capacity: fc.integer({ min: 0, max: 4 }),
  concurrency: fc.integer({ min: 1, max: 3 }),
  overflow: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('drop-newest', 'drop-oldest', 'drop-lowest') },
    { weight: 1, arbitrary: fc.constant('fail') },
  ),
  weighted: rarely,
  prioritised: rarely,
  ttlMs: limit,
  timeoutMs: limit,
  wait: fc.option(stageWait, { nil: undefined }),
})

/** Pipelines of one to five stages and up to 30 requests in 40 ms. */
export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  stages: fc.array(stagePlan, { minLength: 1, maxLength: 5 }),
  admission: fc.constantFrom('door', 'stage'),
  streamBuffer: fc.integer({ min: 1, max: 4 }),
  maxRestarts: fc.constantFrom(1, 1000, 1000),
  changes: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(limitChange, { maxLength: 3 }) },
  ),
  arrivals: fc.array(arrival, { minLength: 1, maxLength: 30 }),
})
