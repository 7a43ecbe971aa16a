import { type HandlerContext, type Logger, pipeline, type Running, type StartOptions } from '../../../../src/index.ts'
import type { RedriveBudgetOptions } from '../../../../src/pipeline/redrive/redrive-budget.ts'
import type { RedriveOptions } from '../../../../src/pipeline/redrive/redrive-options.ts'
import type { DeadLetter, DeadLetterStore, DeadLetterStoreOptions } from '../../../../src/stores/index.ts'
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts'
import { createModelDeadLetterStore } from '../../../fixtures/model-dead-letter-store.ts'
import { mulberry32 } from '../../../fixtures/mulberry32.ts'

/** What requests ask for in these tests. */
export interface Ask {
  readonly id: string
  readonly session?: string
  readonly deadlineMs?: number
}

/** What the one stage of these tests does with a request. */
type Act = (ask: Ask, context: HandlerContext) => unknown

/** A line of the log. */
interface Line {
  readonly message: string | undefined
  readonly [field: string]: unknown
}

/** Where a test begins: one stage, a store in memory, and a clock that stands still. */
export interface World {
  readonly clock: VirtualClock
  readonly store: DeadLetterStore
  readonly lines: Line[]
  /** Starts a pipeline that redrives from the store. */
  start(act: Act, redrive?: RedriveOptions, options?: WorldOptions): Running<Ask, unknown>
  /** Puts entries, due at once, as some other process would. */
  put(...asks: readonly Ask[]): Promise<void>
}

/** What of a pipeline a test chooses. */
interface WorldOptions extends Omit<StartOptions, 'redrive'> {
  readonly capacity?: number
  readonly concurrency?: number
  readonly store?: DeadLetterStore
  readonly name?: string
}

export function createWorld(options: DeadLetterStoreOptions = {}): World {
  const clock = new VirtualClock({ startAt: 1_700_000_000_000 })
  const store = createModelDeadLetterStore({ ...options, clock })
  const lines: Line[] = []
  const logger = loggerTo(lines)
  return {
    clock,
    store,
    lines,
    start: (
      act,
      redrive = {},
      { capacity = 100, concurrency = 10, store: own = store, name = 'chat', ...given } = {},
    ) =>
      pipeline<Ask>(name)
        .stage('one', (ask, context) => act(ask, context), {
          capacity,
          concurrency,
          deadLetter: ['shed', 'failed', 'expired'],
        })
        .start({ clock, logger, random: mulberry32(1), deadLetters: own, ...given, redrive }),
    put: async (...asks) => {
      for (const ask of asks) await store.put(letterOf(ask, clock))
    },
  }
}

/** A budget that is never the reason. */
export const plenty: RedriveBudgetOptions = { perSecond: 1_000 }

/** The same store, but for these methods. */
export function faulty(store: DeadLetterStore, methods: Partial<DeadLetterStore>): DeadLetterStore {
  return { ...store, ...methods }
}

export function after(clock: VirtualClock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimeout(resolve, ms)
  })
}

/** A dead letter as a pipeline of the name `chat` puts it. */
function letterOf(ask: Ask, clock: VirtualClock): DeadLetter {
  const { id, session } = ask
  const at = clock.wallTime()
  return {
    ...{ submissionId: `first-${id}`, id, pipeline: 'chat', stage: 'one', kind: 'failed', reason: 'stage_failed' },
    ...(session !== undefined && { session }),
    ...{ request: ask, firstSeenAt: at, lastSeenAt: at },
  }
}

function loggerTo(lines: Line[]): Logger {
  const write = (fields: object, message?: string): void => {
    lines.push({ ...fields, message })
  }
  const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger }
  return logger
}
