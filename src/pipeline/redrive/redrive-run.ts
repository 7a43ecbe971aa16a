import type { Clock } from '../../../operators/index.ts'
import type { ClaimedDeadLetter, DeadLetterStore } from '../../stores/dead-letter-store.ts'
import { approximateBytes } from '../approximate-bytes.ts'
import type { Completed, Outcome } from '../outcome.ts'
import type { Reply } from '../reply.ts'
import type { RedriveEnd } from '../running.ts'
import { answerLost, conclude, type Conclusion, type ConclusionTerms, deferBy, failBy } from './conclusion.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import type { RedriveSettings } from './redrive-options.ts'
import type { StoreCalls } from './store-calls.ts'

/** What a redrive needs. */
export interface RedriveRunGround {
  readonly store: DeadLetterStore
  readonly calls: StoreCalls
  readonly clock: Clock
  readonly settings: RedriveSettings
  readonly terms: ConclusionTerms
  /** Where the answer is made. */
  readonly lastStage: string
  submit(request: unknown): Reply<unknown>
}

/** What ended a redrive, and for what reason. */
export interface RedriveResult {
  readonly end: RedriveEnd
  readonly conclusion?: Conclusion
}

const tooLarge = Symbol('too large')
const firstPauseMs = 100

/** One redrive of one entry, from its claim to the one thing that the store is told of it. */
export class RedriveRun {
  private readonly ground: RedriveRunGround
  private readonly claimed: ClaimedDeadLetter
  private readonly keeper: LeaseKeeper
  private reply: Reply<unknown> | undefined
  private abandoned = false

  /** @param claimedFrom When its lease was asked for, by the clock's `now`. */
  constructor(ground: RedriveRunGround, claimed: ClaimedDeadLetter, claimedFrom: number) {
    const { settings, clock, store, calls } = ground
    this.ground = ground
    this.claimed = claimed
    const lease = { store, calls, clock, leaseMs: settings.leaseMs }
    this.keeper = new LeaseKeeper(lease, claimed.lease, claimedFrom, () => {
      this.reply?.cancel('the lease of the dead letter is over')
    })
  }

  /** Submits its request, and tells the store how that went. */
  async redrive(): Promise<RedriveResult> {
    const { letter } = this.claimed
    const { terms, settings } = this.ground
    this.reply = this.ground.submit(letter.request)
    const chunks = await readAll(this.reply, settings.maxResultBytes)
    const outcome = this.reply.settled as Outcome<unknown>
    const lost = this.lost()
    if (lost !== undefined) return lost
    if (outcome.kind === 'completed') return this.handOver(outcome, chunks)
    if (outcome.kind !== 'cancelled' || outcome.reason !== tooLarge) return this.tell(conclude(letter, outcome, terms))
    const most = `the answer is larger than maxResultBytes (${settings.maxResultBytes})`
    const failure = answerLost(this.ground.lastStage, 'result_too_large', most)
    return this.tell(failBy(letter, failure, terms, { final: true }))
  }

  /** Gives it back, not begun. */
  async defer(reason: string): Promise<RedriveResult> {
    return this.tell(deferBy(reason, this.ground.terms))
  }

  /** Ends what it has begun, without a word to the store: its lease ends by itself. */
  abandon(): void {
    this.abandoned = true
    this.keeper.stop()
    this.reply?.cancel('the retry worker was stopped')
  }

  /** How it ends for which there is nothing to say any more. */
  private lost(): RedriveResult | undefined {
    const { loss } = this.keeper
    return this.abandoned || loss !== undefined ? { end: loss ?? 'unknown' } : undefined
  }

  /** Gives the answer to whoever wants it, if the lease still holds: then nobody else can have given it. */
  private async handOver(outcome: Completed<unknown>, chunks: readonly unknown[]): Promise<RedriveResult> {
    const { letter } = this.claimed
    const { calls, settings, terms, lastStage } = this.ground
    await this.keeper.confirm()
    const lost = this.lost()
    if (lost !== undefined) return lost
    try {
      const redriven = { letter, outcome, ...(!('value' in outcome) && { chunks }) }
      await calls.ask((signal) => settings.onRedriven(redriven, { signal }), { timeoutMs: settings.leaseMs })
    } catch (error) {
      return this.lost() ?? this.tell(failBy(letter, answerLost(lastStage, 'not_handed_over', error), terms))
    }
    return this.tell(conclude(letter, outcome, terms))
  }

  /** Tells the store, again and again as long as the lease lasts: it may not have heard, or its answer may be lost. */
  private async tell(conclusion: Conclusion): Promise<RedriveResult> {
    const { calls, clock } = this.ground
    this.keeper.stop()
    for (let attempt = 1; ; attempt++) {
      try {
        const end = endOf(conclusion, await calls.ask((signal) => this.ask(conclusion, signal)))
        // Of a call that was answered before, but not heard, it may be the very consequence.
        const isOwn = end === 'fenced' && attempt > 1 && conclusion.do !== 'ack'
        return { end: isOwn ? 'unknown' : end, conclusion }
      } catch {
        const pauseMs = firstPauseMs * 2 ** (attempt - 1)
        if (calls.closed || clock.now() + pauseMs >= this.keeper.until) return { end: 'unknown', conclusion }
        await calls.pause(pauseMs)
      }
    }
  }

  private ask(conclusion: Conclusion, signal: AbortSignal): Promise<string> {
    const { store } = this.ground
    const { lease } = this.claimed
    switch (conclusion.do) {
      case 'ack':
        return store.ack(lease, { signal })
      case 'defer':
        return store.defer(lease, { retryInMs: conclusion.retryInMs, signal })
      case 'fail': {
        const { failure, retryInMs, final } = conclusion
        return store.fail(lease, failure, { retryInMs, final, signal })
      }
    }
  }
}

/** What the store's answers mean. */
const ends: Readonly<Record<Conclusion['do'], Readonly<Record<string, RedriveEnd>>>> = {
  ack: { acked: 'acked', fenced: 'fenced' },
  fail: { due: 'retried', dead: 'died', fenced: 'fenced' },
  defer: { due: 'deferred', fenced: 'fenced' },
}

/** One that is no answer leaves all open. */
function endOf({ do: asked }: Conclusion, answer: string): RedriveEnd {
  const meanings = ends[asked]
  return (Object.hasOwn(meanings, answer) ? meanings[answer] : undefined) ?? 'unknown'
}

/** Reads a reply to its end; a stream that is too large is cancelled. */
function readAll(reply: Reply<unknown>, maxBytes: number): Promise<readonly unknown[]> {
  return new Promise((resolve) => {
    const chunks: unknown[] = []
    let left = maxBytes
    const end = (): void => {
      resolve(chunks)
    }
    reply.output$.subscribe({
      next: (chunk) => {
        chunks.push(chunk)
        left -= approximateBytes(chunk, left)
        if (left < 0) reply.cancel(tooLarge)
      },
      // How it ended is in the outcome.
      error: end,
      complete: end,
    })
  })
}
