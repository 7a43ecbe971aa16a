import { from, isObservable, type Observable, type ObservableInput, type Subscriber } from 'rxjs'
import type { ItemEnd } from './channel-books.ts'
import type { LossReason } from './channel-options.ts'
import { type Clock, systemClock } from './clock.ts'
import { createInput } from './create-input.ts'
import { createSubscriber } from './create-subscriber.ts'
import type { OverflowError } from './errors.ts'
import type { Item } from './item.ts'
import { type ItemOutcome, type ShedReason, tellOutcome } from './item-outcome.ts'
import { LinkedList } from './linked-list.ts'
import { checkFunction, checkOneOf } from './options.ts'
import type { Project } from './project.ts'

/** What every operator that runs a project for each item can be told. */
export interface FlatteningOptions<T> {
  /** When the source errors: first finish what waits and runs (`'drain'`, the default), or end at once. */
  readonly onSourceError?: 'drain' | 'immediate'
  /** Measures `ttlMs` and the times of the outcomes; default the system's. */
  readonly clock?: Clock
  /** Told of the end of each item, exactly once; what it throws is reported as unhandled. */
  readonly onOutcome?: (outcome: ItemOutcome<T>) => void
}

/** What decides which items wait, start and give way: `Channel`, or one of its kind. */
export interface ItemChannel<I> {
  readonly idle: boolean
  readonly closed: boolean
  consume(run: (item: I) => void): unknown
  offer(item: I): 'accepted' | 'shed' | 'closed'
  release(end: ItemEnd, item: I): void
  drain(): void
  discard(): readonly I[]
}

/** What sheds items beside the channel, by how long they wait. */
export interface ItemGuard<I> {
  readonly reason: ShedReason
  /** Told of each item as it arrives, and whether it is to be refused. */
  refuses(item: I, now: number): boolean
  /** Told of each item that has a slot, and whether it is to be shed instead of being started. */
  sheds(item: I, waitedMs: number, now: number): boolean
  /** Told for how long each item has run. */
  ran(ms: number): void
}

/** What a flattening is made of. */
interface FlatteningParts<T, R, I> {
  readonly project: Project<T, R>
  readonly options: FlatteningOptions<T>
  readonly subscriber: Subscriber<R>
  /** Has to tell `lost` of each item that it loses. */
  readonly channel: ItemChannel<I>
  readonly createItem: (value: T, arrivedAt: number) => I
  readonly guard?: ItemGuard<I> | undefined
  /** The output's error once the channel must not lose anything and has been given more than it holds. */
  readonly overflown: () => OverflowError
}

/** @throws RangeError or TypeError that names the option, its value and what it may be. */
export function checkFlatteningOptions<T, R>(project: Project<T, R>, options: FlatteningOptions<T>): void {
  checkFunction('project', project)
  checkOneOf('onSourceError', options.onSourceError ?? 'drain', ['drain', 'immediate'])
  if (options.onOutcome !== undefined) checkFunction('onOutcome', options.onOutcome)
}

/**
 * One subscription of an operator that runs a project for each item: subscribes to what the projects give, hands
 * it on, tells each item's outcome, and ends when the source has and nothing is left.
 */
export class Flattening<T, R, I extends Item<T>> {
  private readonly parts: FlatteningParts<T, R, I>
  private readonly subscriber: Subscriber<R>
  private readonly clock: Clock
  private readonly channel: ItemChannel<I>
  private readonly running = new LinkedList<I>()
  private readonly input: Subscriber<T>
  private index = 0
  private finish: (() => void) | undefined

  constructor(parts: FlatteningParts<T, R, I>) {
    const { options, subscriber, channel, createItem } = parts
    this.parts = parts
    this.subscriber = subscriber
    this.clock = options.clock ?? systemClock
    this.channel = channel
    channel.consume((item) => {
      this.run(item)
    })
    this.input = createInput({
      output: subscriber,
      onSourceError: options.onSourceError,
      next: (value: T) => {
        this.arrive(createItem(value, this.now()))
      },
      end: (finish, atOnce) => {
        this.end(finish, atOnce)
      },
    })
    subscriber.add(() => {
      this.stop()
    })
  }

  start(source: Observable<T>): void {
    if (!this.input.closed) source.subscribe(this.input)
  }

  /** The channel has lost an item that had not started. That ends nothing: whatever waits is beside what runs. */
  lost(item: I, reason: LossReason): void {
    if (reason === 'expired' || reason === 'discarded') this.report(reason, item)
    else this.report('shed', item, reason)
  }

  /** Aborts what runs, discards what waits, and reports both. */
  private stop(): void {
    this.input.unsubscribe()
    // What waits goes first, so that nothing starts in a slot that becomes free here.
    const waiting = this.channel.discard()
    const running = [...this.running]
    for (const item of waiting) this.report('discarded', item)
    for (const item of running) this.settle(item, 'discarded')
    for (const item of running) item.abort()
  }

  private arrive(item: I): void {
    const { guard } = this.parts
    let verdict: 'accepted' | 'shed' | 'closed'
    try {
      if (guard?.refuses(item, item.arrivedAt) === true) {
        this.report('shed', item, guard.reason)
        return
      }
      verdict = this.channel.offer(item)
    } catch (error) {
      // What the channel has to know of it (its weight, priority or key) could not be told.
      this.report('failed', item, undefined, error)
      return
    }
    // Its key or weight may have been told by ending the output, which found nothing of this item then.
    if (this.subscriber.closed) this.stop()
    if (verdict === 'closed') this.report('discarded', item)
    else if (verdict === 'shed' && this.channel.closed) this.subscriber.error(this.parts.overflown())
  }

  private finishIfIdle(): void {
    if (this.finish !== undefined && this.channel.idle) this.finish()
  }

  private end(finish: () => void, atOnce: boolean): void {
    this.finish = finish
    if (atOnce || this.channel.idle) finish()
  }

  private run(item: I): void {
    const { guard } = this.parts
    const now = this.now()
    if (guard !== undefined && this.isShed(item, guard, now)) return
    item.startedAt = now
    this.running.add(item)
    const index = this.index++
    let input$: ObservableInput<R>
    let inner$: Observable<R>
    try {
      input$ = this.parts.project(item.value, index, item)
      inner$ = from(input$)
    } catch (error) {
      this.settle(item, 'failed', error)
      return
    }
    const inner = createSubscriber<R>({
      next: (value) => {
        this.subscriber.next(value)
      },
      error: (error) => {
        this.settle(item, 'failed', error)
      },
      complete: () => {
        this.settle(item, 'completed')
      },
    })
    item.inner = inner
    if (!item.listed) {
      // The project itself unsubscribed the output. A promise must not be left alone with its rejection, though.
      inner.unsubscribe()
      if (isObservable(input$)) return
    }
    inner$.subscribe(inner)
  }

  /** Sheds an item that has a slot, if the guard says so; one of which it cannot tell fails. */
  private isShed(item: I, guard: ItemGuard<I>, now: number): boolean {
    let fault: { readonly error: unknown } | undefined
    try {
      if (!guard.sheds(item, now - item.arrivedAt, now)) return false
    } catch (error) {
      fault = { error }
    }
    this.channel.release(fault === undefined ? 'evicted' : 'failed', item)
    if (fault === undefined) this.report('shed', item, guard.reason)
    else this.report('failed', item, undefined, fault.error)
    this.channel.drain()
    this.finishIfIdle()
    return true
  }

  private settle(item: I, end: Extract<ItemEnd, 'completed' | 'failed' | 'discarded'>, error?: unknown): void {
    if (!this.running.delete(item)) return
    this.channel.release(end, item)
    this.parts.guard?.ran(this.now() - item.startedAt)
    this.report(end, item, undefined, error)
    this.channel.drain()
    this.finishIfIdle()
  }

  private report(kind: ItemOutcome<T>['kind'], item: I, reason?: ShedReason, error?: unknown): void {
    const { onOutcome } = this.parts.options
    if (onOutcome === undefined) return
    const now = this.now()
    const started = item.startedAt >= 0
    const waitedMs = (started ? item.startedAt : now) - item.arrivedAt
    const ranMs = started ? now - item.startedAt : 0
    const times = { waitedMs, ranMs }
    const value = item.value
    if (kind === 'failed') tellOutcome(onOutcome, { kind, value, error, ...times })
    else if (reason !== undefined) tellOutcome(onOutcome, { kind, value, reason, ...times })
    else tellOutcome(onOutcome, { kind, value, ...times })
  }

  /** Without an observer nobody reads the times, so none are taken. */
  private now(): number {
    const { options, guard } = this.parts
    return options.onOutcome === undefined && guard === undefined ? 0 : this.clock.now()
  }
}
