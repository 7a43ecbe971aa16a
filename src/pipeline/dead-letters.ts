import { type Backoff, type Clock, exponentialBackoff, SpillwayError } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import { messageOf } from '../message-of.ts'
import type { DeadLetter, DeadLetterKind, DeadLetterWriter, PutResult } from '../stores/dead-letter-store.ts'
import { approximateBytes } from './approximate-bytes.ts'
import type { Outcome } from './outcome.ts'
import type { DeadLetterFigures } from './running.ts'
import type { StageSettings } from './stage-options.ts'
import type { StartSettings } from './start-options.ts'

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
const tooLong = Symbol('too long')
const results: readonly unknown[] = ['stored', 'duplicate', 'conflict', 'full'] satisfies readonly PutResult[]

/** A request that has ended, as the carrier has it. */
interface Ended {
  readonly kind: Outcome<unknown>['kind'] | undefined
  /** The index of the stage where it ended. */
  readonly stage: number
  readonly request: unknown
  readonly settled: Outcome<unknown> | undefined
}

/** An entry that is not stored yet. */
interface Entry {
  readonly letter: DeadLetter
  readonly bytes: number
  /** Ends its waiting for the next attempt. */
  wake: (() => void) | undefined
  /** Ends its waiting for the store. */
  callOff: (() => void) | undefined
}

/**
 * Keeps the requests that a stage's `deadLetter` selects: puts them into the store, a few at a time, and
 * nobody waits for that. Each ends in exactly one figure; what finds no room, or fails ten times, is `dropped`.
 */
export class DeadLetters {
  private readonly pipeline: string
  private readonly policies: readonly (ReadonlySet<string> | undefined)[]
  private readonly writer: DeadLetterWriter
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly backoff: Backoff
  private readonly counts = { selected: 0, stored: 0, duplicate: 0, conflict: 0, full: 0, dropped: 0 }
  private readonly pending = new Set<Entry>()
  private readonly queue: Entry[] = []
  private bytes = 0
  private puts = 0
  private scheduled = false
  /** A drain waits: nobody backs off any more. */
  private flushing: (() => void) | undefined
  private closed = false
  private loggedAt = -Infinity
  private unlogged = 0

  constructor(
    pipeline: string,
    stages: readonly { readonly settings: StageSettings }[],
    writer: DeadLetterWriter,
    { clock, logger, random }: Pick<StartSettings, 'clock' | 'logger' | 'random'>,
  ) {
    this.pipeline = pipeline
    this.policies = stages.map(({ settings: { deadLetter } }) => deadLetter && new Set(deadLetter))
    this.writer = writer
    this.clock = clock
    this.logger = logger
    this.backoff = exponentialBackoff({ jitter: 'full', random })
  }

  get figures(): DeadLetterFigures {
    return { ...this.counts, pending: this.pending.size }
  }

  /** A request has ended: it is kept, if its stage wants that. Nobody else's code runs within. */
  take({ kind, stage, request, settled }: Ended): void {
    if (kind === undefined || this.policies[stage]?.has(kind) !== true) return
    this.counts.selected += 1
    const room = deadLetterLimits.bytes - this.bytes
    const bytes =
      this.closed || this.pending.size >= deadLetterLimits.entries ? Infinity : approximateBytes(request, room)
    if (bytes > room) {
      this.lose('dropped')
      return
    }
    const entry: Entry = { letter: this.write(settled as Kept, request), bytes, wake: undefined, callOff: undefined }
    this.pending.add(entry)
    this.bytes += bytes
    this.queue.push(entry)
    if (this.scheduled) return
    this.scheduled = true
    queueMicrotask(this.start)
  }

  /** Waits for all that is pending; what is not stored after `timeoutMs`, or comes later, is dropped. */
  async flush(timeoutMs: number): Promise<void> {
    if (this.pending.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.clock.setTimeout(resolve, timeoutMs)
        this.flushing = () => {
          this.clock.clearTimeout(timer)
          resolve()
        }
        for (const { wake } of this.pending) wake?.()
      })
    }
    this.closed = true
    for (const entry of [...this.pending]) {
      this.finish(entry, 'dropped')
      entry.wake?.()
      entry.callOff?.()
    }
    this.report()
  }

  private write(outcome: Kept, request: unknown): DeadLetter {
    const { id, submissionId, stage, kind, timings } = outcome
    const session =
      typeof request === 'object' && request !== null && 'session' in request ? request.session : undefined
    return {
      submissionId,
      id,
      pipeline: this.pipeline,
      stage,
      kind,
      reason: outcome.kind === 'failed' ? codeOf(outcome.error) : outcome.reason,
      ...(outcome.kind === 'failed' && { error: messageOf(outcome.error).slice(0, errorLength) }),
      ...(typeof session === 'string' && { session }),
      request,
      firstSeenAt: timings.submittedAt,
      lastSeenAt: timings.submittedAt + timings.durationMs,
    }
  }

  private readonly start = (): void => {
    this.scheduled = false
    while (this.puts < deadLetterLimits.puts) {
      const entry = this.queue.shift()
      if (entry === undefined) return
      if (!this.pending.has(entry)) continue
      this.puts += 1
      void this.bring(entry).then(() => {
        this.puts -= 1
        this.start()
      })
    }
  }

  /** Puts an entry until the store has answered, it has been tried often enough, or it has been dropped. */
  private async bring(entry: Entry): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.put(entry)
      if (!this.pending.has(entry)) return
      if (answer.result !== undefined) {
        this.finish(entry, answer.result)
        return
      }
      // A store that answers with something else would store the same entry ten times.
      if (attempt === deadLetterLimits.attempts || !answer.again) {
        this.finish(entry, 'dropped')
        return
      }
      const pause = this.timer(this.backoff(attempt))
      entry.wake = pause.end
      await pause.done
      if (!this.pending.has(entry)) return
    }
  }

  private async put(entry: Entry): Promise<{ readonly result?: PutResult; readonly again: boolean }> {
    const controller = new AbortController()
    const timeout = this.timer(deadLetterLimits.putTimeoutMs)
    entry.wake = undefined
    entry.callOff = timeout.end
    try {
      const put = this.writer.put(entry.letter, { signal: controller.signal })
      const result: unknown = await Promise.race([put, timeout.done])
      if (results.includes(result)) return { result: result as PutResult, again: false }
      return { again: result === tooLong }
    } catch {
      // The entry may be there or not: it is put again.
      return { again: true }
    } finally {
      timeout.end()
      controller.abort()
    }
  }

  private timer(ms: number): { readonly done: Promise<typeof tooLong>; readonly end: () => void } {
    let end = (): void => undefined
    const done = new Promise<typeof tooLong>((resolve) => {
      const timer = this.clock.setTimeout(() => {
        resolve(tooLong)
      }, ms)
      end = () => {
        this.clock.clearTimeout(timer)
        resolve(tooLong)
      }
    })
    return { done, end }
  }

  private finish(entry: Entry, result: PutResult | 'dropped'): void {
    this.pending.delete(entry)
    this.bytes -= entry.bytes
    if (result === 'stored' || result === 'duplicate') this.counts[result] += 1
    else this.lose(result)
    if (this.pending.size === 0) this.flushing?.()
  }

  private lose(result: 'dropped' | 'full' | 'conflict'): void {
    this.counts[result] += 1
    this.unlogged += 1
    if (this.clock.now() - this.loggedAt >= 1000) this.report()
  }

  /** At most once a second, and at the end. */
  private report(): void {
    if (this.unlogged === 0) return
    const { dropped, full, conflict } = this.counts
    this.logger.warn({ count: this.unlogged, dropped, full, conflict }, 'dead letters not stored')
    this.unlogged = 0
    this.loggedAt = this.clock.now()
  }
}

type Kept = Extract<Outcome<unknown>, { readonly kind: DeadLetterKind }>

function codeOf(error: unknown): string {
  return error instanceof SpillwayError ? error.code : 'stage_failed'
}
