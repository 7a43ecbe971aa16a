import { type Backoff, Channel, type Clock, exponentialBackoff, messageOf, show } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import type { DeadLetter, DeadLetterKind, DeadLetterWriter, PutResult } from '../stores/dead-letter-store.ts'
import { UnstorableError } from '../stores/store-error.ts'
import { approximateBytes } from './approximate-bytes.ts'
import { errorCode } from './describe-error.ts'
import { type Loss, LossLog } from './loss-log.ts'
import type { Origin, Outcome } from './outcome.ts'
import type { DeadLetterFigures } from './running.ts'
import { sessionOf } from './session-of.ts'
import type { StageSettings } from './stage-options.ts'
import type { StartSettings } from './start-options.ts'
import { timeOver, Waits } from './waits.ts'

/** What may wait to be put, and how it is put. */
export const deadLetterLimits = {
  entries: 10_000,
  /** Of all requests that wait, estimated: 64 MiB. */
  bytes: 67_108_864,
  puts: 16,
  attempts: 10,
  putTimeoutMs: 10_000,
} as const

const errorLength = 1024
const causes = {
  full: 'the store is full',
  conflict: 'another one of the same id is in the store',
  noRoom: 'those that are pending are too many or too large',
  ended: 'the pipeline has ended before they were stored',
} as const
const results: readonly unknown[] = ['stored', 'duplicate', 'conflict', 'full'] satisfies readonly PutResult[]

/** A request that has ended, as the carrier has it. */
interface Ended {
  readonly kind: Outcome<unknown>['kind'] | undefined
  readonly origin: Origin
  /** The index of the stage where it ended. */
  readonly stage: number
  readonly request: unknown
  readonly deadlineMs: number
  readonly settled: Outcome<unknown> | undefined
}

/** An entry that is not stored yet. */
interface Entry {
  readonly letter: DeadLetter
  readonly bytes: number
  /** Why it was not stored, as far as it was tried. */
  fault: string
}

/**
 * Keeps the requests that a stage's `deadLetter` selects: puts them into the store, a few at a time, and
 * nobody waits for that. Each ends in exactly one figure; what finds no room, cannot be written, or fails ten times, is
 * `dropped`.
 */
export class DeadLetters {
  private readonly pipeline: string
  private readonly policies: readonly (ReadonlySet<string> | undefined)[]
  private readonly writer: DeadLetterWriter
  private readonly onStored: () => void
  private readonly clock: Clock
  private readonly backoff: Backoff
  private readonly counts = { selected: 0, stored: 0, duplicate: 0, conflict: 0, full: 0, dropped: 0 }
  /** What waits to be put, and what is being put; closed once nothing is taken any more. */
  private readonly channel: Channel<Entry>
  private bytes = 0
  /** Pauses before another attempt. */
  private readonly pauses: Waits
  /** Waits for answers of the store. */
  private readonly calls: Waits
  /** Tells a drain that nothing is pending. */
  private onIdle: (() => void) | undefined
  private readonly losses: LossLog

  /** @param onStored Told that an entry more is there to be redriven. */
  constructor(
    pipeline: string,
    stages: readonly { readonly settings: StageSettings }[],
    writer: DeadLetterWriter,
    { clock, logger, random }: Pick<StartSettings, 'clock' | 'logger' | 'random'>,
    onStored: () => void = () => undefined,
  ) {
    const { entries, puts } = deadLetterLimits
    this.pipeline = pipeline
    this.policies = stages.map(({ settings: { deadLetter } }) => deadLetter && new Set(deadLetter))
    this.writer = writer
    this.onStored = onStored
    this.clock = clock
    this.losses = new LossLog(clock, (losses) => {
      this.report(logger, losses)
    })
    this.pauses = new Waits(clock)
    this.calls = new Waits(clock)
    this.backoff = exponentialBackoff({ jitter: 'full', random })
    this.channel = new Channel({ capacity: entries - puts, concurrency: puts })
    this.channel.consume((entry) => {
      void this.bring(entry)
    })
  }

  get figures(): DeadLetterFigures {
    return { ...this.counts, pending: this.pending }
  }

  /**
   * A request has ended: it is kept, if its stage wants that, it is not kept already, and it could ever run. Nobody
   * else's code runs within.
   */
  take(ended: Ended): void {
    const { kind, stage, request, deadlineMs } = ended
    if (kind === undefined || this.policies[stage]?.has(kind) !== true || ended.origin === 'redrive') return
    if (!(deadlineMs > 0)) return
    this.counts.selected += 1
    const room = deadLetterLimits.bytes - this.bytes
    const mayEnter = !this.channel.closed && this.pending < deadLetterLimits.entries
    const bytes = mayEnter ? approximateBytes(request, room) : Infinity
    if (bytes > room) {
      this.lose('dropped', this.channel.closed ? causes.ended : causes.noRoom)
      return
    }
    this.bytes += bytes
    this.channel.offer({ letter: this.write(ended.settled as Kept, request), bytes, fault: '' })
  }

  /** Waits for all that is pending; what is not stored after `timeoutMs`, or comes later, is dropped. */
  async flush(timeoutMs: number): Promise<void> {
    if (this.pending > 0) {
      const timer = this.clock.setTimeout(() => {
        this.giveUp()
      }, timeoutMs)
      this.pauses.endAll()
      await new Promise<void>((resolve) => (this.onIdle = resolve))
      this.clock.clearTimeout(timer)
    }
    this.channel.close()
    this.losses.flush()
  }

  private get pending(): number {
    return this.channel.size + this.channel.running
  }

  private giveUp(): void {
    this.channel.close()
    const waiting = this.channel.discard()
    for (const { bytes } of waiting) this.bytes -= bytes
    if (waiting.length > 0) this.lose('dropped', causes.ended, waiting.length)
    this.pauses.endAll()
    this.calls.endAll()
  }

  private write(outcome: Kept, request: unknown): DeadLetter {
    const { id, submissionId, stage, kind, timings } = outcome
    const session = sessionOf(request)
    // Not as outcomes have it, which may be a second old: stores go by what time it is, and forget what looks old.
    const lastSeenAt = this.clock.wallTime()
    return {
      submissionId,
      id,
      pipeline: this.pipeline,
      stage,
      kind,
      reason: outcome.kind === 'failed' ? errorCode(outcome.error) : outcome.reason,
      ...(outcome.kind === 'failed' && { error: messageOf(outcome.error).slice(0, errorLength) }),
      ...(typeof session === 'string' && { session }),
      request,
      firstSeenAt: lastSeenAt - timings.durationMs,
      lastSeenAt,
    }
  }

  private async bring(entry: Entry): Promise<void> {
    // The store is a stranger's: not within the call that settles a request.
    await Promise.resolve()
    const end = await this.endOf(entry)
    this.bytes -= entry.bytes
    this.channel.release('completed')
    if (end === 'stored' || end === 'duplicate') this.counts[end] += 1
    else this.lose(end, end === 'dropped' ? entry.fault : causes[end])
    this.channel.drain()
    if (this.pending === 0) this.onIdle?.()
    if (end === 'stored') this.onStored()
  }

  /** Puts an entry until the store has answered, or it is given up. */
  private async endOf(entry: Entry): Promise<PutResult | 'dropped'> {
    for (let attempt = 1; !this.channel.closed; attempt++) {
      const end = await this.put(entry)
      if (end !== undefined) return end
      if (this.isLast(attempt)) break
      await this.pauses.start(this.backoff(attempt)).over
    }
    const { attempts } = deadLetterLimits
    entry.fault = this.channel.closed ? causes.ended : `the store failed ${attempts} times, at last: ${entry.fault}`
    return 'dropped'
  }

  private isLast(attempt: number): boolean {
    return attempt === deadLetterLimits.attempts || this.channel.closed
  }

  /** What the store says; `undefined` where the entry may be there or not, and is to be put again. */
  private async put(entry: Entry): Promise<PutResult | 'dropped' | undefined> {
    const controller = new AbortController()
    const { putTimeoutMs } = deadLetterLimits
    const timeout = this.calls.start(putTimeoutMs)
    try {
      const put = this.writer.put(entry.letter, { signal: controller.signal })
      const result: unknown = await Promise.race([put, timeout.over])
      entry.fault =
        result === timeOver ? `no answer within ${putTimeoutMs} ms` : `the store answered with ${show(result)}`
      if (result === timeOver) return undefined
      // A store that answers with something else would store the same entry ten times.
      return results.includes(result) ? (result as PutResult) : 'dropped'
    } catch (error) {
      entry.fault = messageOf(error).slice(0, errorLength)
      return error instanceof UnstorableError ? 'dropped' : undefined
    } finally {
      timeout.end()
      controller.abort()
    }
  }

  private lose(end: 'dropped' | 'full' | 'conflict', cause: string, count = 1): void {
    this.counts[end] += count
    this.losses.add(cause, count)
  }

  private report(logger: Logger, losses: readonly Loss[]): void {
    const { dropped, full, conflict } = this.counts
    const count = losses.reduce((sum, loss) => sum + loss.count, 0)
    logger.warn({ count, dropped, full, conflict, causes: losses }, 'dead letters not stored')
  }
}

type Kept = Extract<Outcome<unknown>, { readonly kind: DeadLetterKind }>
