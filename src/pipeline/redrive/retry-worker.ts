import { Observable, type Subscriber } from 'rxjs'
import { type Backoff, exponentialBackoff, show, type TimerHandle } from '../../../operators/index.ts'
import type { ClaimedDeadLetter } from '../../stores/dead-letter-store.ts'
import { StoreError } from '../../stores/store-error.ts'
import type { RedriveBook } from './redrive-book.ts'
import type { RedriveBudget } from './redrive-budget.ts'
import { RedriveRun, type RedriveResult, type RedriveRunGround } from './redrive-run.ts'

/** What a retry worker works with; the budget and the book outlive it. */
export interface RetryWorkerGround extends RedriveRunGround {
  readonly pipeline: string
  readonly budget: RedriveBudget
  readonly book: RedriveBook
  /** How many requests may go in that nobody waits for. */
  sparePlaces(): number
  /** Requests of clients that were let in since the start. */
  admissions(): number
}

/**
 * One life of the retry worker: claims dead letters into spare capacity, and redrives them. It looks for them once in a
 * while, and at once when there may be another or room for it; one timer stands for that.
 */
export class RetryWorker {
  private readonly ground: RetryWorkerGround
  private readonly subscriber: Subscriber<never>
  /** What is in flight, and when it has ended. */
  private readonly runs = new Map<RedriveRun, Promise<void>>()
  private readonly claimBackoff: Backoff
  private timer: TimerHandle
  private claiming = false
  /** Something has changed while it was claiming. */
  private changed = false
  /** Claims in a row that have failed. */
  private failures = 0
  private stopping = false
  /** The last claim held one that may kill the worker: one at a time, until there is none. */
  private cautious = false

  private constructor(ground: RetryWorkerGround, signal: AbortSignal, subscriber: Subscriber<never>) {
    const { random } = ground.terms
    this.ground = ground
    this.subscriber = subscriber
    this.claimBackoff = exponentialBackoff({ initialMs: 1_000, maxMs: 30_000, random })
    const stop = (): void => {
      this.stop()
    }
    signal.addEventListener('abort', stop)
    subscriber.add(() => {
      signal.removeEventListener('abort', stop)
      this.abandon()
    })
    // The store is a stranger's: not within the call that starts the pipeline.
    this.sleep(0)
  }

  /**
   * Works until it is told to stop by `signal` and all that it has begun has ended. An error is a crash; unsubscribing,
   * too, leaves what is in flight to the leases.
   *
   * @param onStart Is given the worker, to wake it.
   */
  static run$(
    ground: RetryWorkerGround,
    signal: AbortSignal,
    onStart: (worker: RetryWorker) => void,
  ): Observable<never> {
    return new Observable((subscriber) => {
      onStart(new RetryWorker(ground, signal, subscriber))
    })
  }

  /** There may be an entry that is due, or room for one. */
  wake(): void {
    if (this.claiming) this.changed = true
    else if (this.failures === 0) this.sleep(0)
  }

  private stop(): void {
    this.stopping = true
    this.ground.clock.clearTimeout(this.timer)
    this.finish()
  }

  private abandon(): void {
    this.stopping = true
    this.ground.clock.clearTimeout(this.timer)
    this.ground.calls.close()
    for (const run of this.runs.keys()) run.abandon()
  }

  private finish(): void {
    if (this.stopping && !this.claiming && this.runs.size === 0) this.subscriber.complete()
  }

  private sleep(ms: number): void {
    const { clock } = this.ground
    clock.clearTimeout(this.timer)
    if (this.stopping) return
    this.timer = clock.setTimeout(() => {
      this.look()
    }, ms)
  }

  /** Claims what there is room for. */
  private look(): void {
    const { budget, clock, settings } = this.ground
    budget.earn(clock.now(), this.ground.admissions())
    const most = this.cautious ? 1 : settings.concurrency
    const free = Math.max(0, most - this.runs.size)
    const places = Math.min(free, this.ground.sparePlaces())
    const limit = Math.min(places, budget.available)
    if (limit > 0) {
      this.changed = false
      this.claim(limit).catch((error: unknown) => {
        this.subscriber.error(error)
      })
    } else {
      // A slot that becomes free wakes it, a place in a channel does not.
      this.sleep(places > 0 ? Math.min(this.pollInMs, Math.max(1, budget.nextInMs)) : this.pollInMs)
    }
  }

  /** From a half to one and a half of `pollMs`, so that workers do not come to the store together. */
  private get pollInMs(): number {
    const { settings, terms } = this.ground
    return settings.pollMs * (0.5 + terms.random())
  }

  private async claim(limit: number): Promise<void> {
    const { store, calls, clock, settings, pipeline, book } = this.ground
    const { leaseMs, perSession } = settings
    const from = clock.now()
    this.claiming = true
    let claimed: readonly ClaimedDeadLetter[] | undefined
    try {
      const options = { pipeline, limit, leaseMs, perSession }
      claimed = await calls.ask(async (signal) => checkClaimed(await store.claim({ ...options, signal })), {
        onLate: (late) => {
          this.takeIn(late, from, 'claimed too late')
        },
      })
      this.failures = 0
    } catch (error) {
      this.failures += 1
      if (!this.subscriber.closed) book.claimFailed(error)
    }
    if (claimed !== undefined) this.takeIn(claimed, from)
    // Not before: what is submitted may drain the pipeline, and must then be waited for.
    this.claiming = false
    if (claimed === undefined) this.sleep(this.claimBackoff(this.failures))
    else this.sleep(this.changed || claimed.length === limit ? 0 : this.pollInMs)
    this.finish()
  }

  /**
   * What did not come back from its last redrive may be what killed its worker. It is redriven alone, and those that
   * were claimed with it are given back before: they would lose an attempt each time that it kills another.
   *
   * @param refusal Why none of them is to be redriven now, if so.
   */
  private takeIn(claimed: readonly ClaimedDeadLetter[], from: number, refusal?: string): void {
    if (this.subscriber.closed || claimed.length === 0) return
    const suspects = claimed.filter(isSuspect)
    this.cautious = suspects.length > 0
    const [alone] = this.runs.size === 0 && suspects.length === claimed.length ? suspects : []
    const others = claimed
      .filter((one) => one !== alone)
      .map((one) => this.take(one, from, refusal ?? (isSuspect(one) ? 'alone later' : undefined)))
    if (alone !== undefined) void this.take(alone, from, refusal, Promise.all(others))
  }

  /** Resolves once it has ended. */
  private take(one: ClaimedDeadLetter, from: number, refusal?: string, before?: Promise<unknown>): Promise<void> {
    const run = new RedriveRun(this.ground, one, from)
    const { letter } = one
    this.ground.book.claimed(letter)
    const ended = this.begin(run, refusal, before).then(
      ({ end, conclusion }) => {
        this.runs.delete(run)
        this.ground.book.ended(letter, end, conclusion)
        this.wake()
        this.finish()
      },
      (error: unknown) => {
        this.runs.delete(run)
        run.abandon()
        this.ground.book.ended(letter, 'unknown')
        this.subscriber.error(error)
      },
    )
    this.runs.set(run, ended)
    return ended
  }

  /** Resolves once nothing is in flight; after it was left to the leases that is at once. */
  async idle(): Promise<void> {
    await Promise.all(this.runs.values())
  }

  private async begin(run: RedriveRun, refusal?: string, before?: Promise<unknown>): Promise<RedriveResult> {
    await before
    const reason = refusal ?? (this.stopping ? 'draining' : this.ground.sparePlaces() > 0 ? undefined : 'no-room')
    if (reason !== undefined) return run.defer(reason)
    this.ground.budget.withdraw()
    return run.redrive()
  }
}

/** A store is a stranger's: what is no list would be the worker's crash. */
function checkClaimed(answer: readonly ClaimedDeadLetter[]): readonly ClaimedDeadLetter[] {
  const given: unknown = answer
  if (!Array.isArray(given)) throw new StoreError(`claim must give a list of entries, got ${show(given)}`)
  return answer
}

function isSuspect({ letter }: ClaimedDeadLetter): boolean {
  return letter.reason === 'lease_over'
}
