import { Observable, type Subscriber } from 'rxjs'
import {
  type Channel,
  checkFunction,
  checkMethods,
  type ItemEnd,
  LinkedList,
  reportUnhandled,
} from '../operators/index.ts'
import { StageCrash } from './errors.ts'
import { Run, type StageRun } from './run.ts'

/** A stage's work on one item; a plain value is the result, a promise is awaited. */
export type StageHandler<T, R, C extends StageRun<T> = StageRun<T>> = (item: T, run: C) => R | PromiseLike<R>

/** Where a stage's items come from and where its results go. */
export interface StageOptions<T, R, C extends StageRun<T> = StageRun<T>> {
  /** Where the items wait. It belongs to the caller and outlives every crash of the stage. */
  readonly channel: Channel<T>
  /** Told each result, once its slot is free. */
  readonly onValue?: (value: R, run: C) => void
  /** Told each failure, once its slot is free: what the handler threw, or a `StageCrash`. */
  readonly onError?: (error: unknown, run: C) => void
  /** Told that a crash puts an item back; its run has ended. */
  readonly onPutBack?: (run: C) => void
}

/** What a runner's owner settles besides: how long slots last, and what the handler is given. */
export interface RunnerOptions<T, R, C extends Run<T>> extends StageOptions<T, R, C> {
  /** Whether a result keeps its slot (as a stream does) until `StageRunner.end`; default never. */
  readonly holds?: (value: R, run: C) => boolean
  /** Makes the object that the handler is given. */
  readonly createRun?: (item: T, attempt: number) => C
}

/**
 * The data plane of a stage: takes items from its channel, runs the handler and hands on what comes of it.
 * A value that is there at once is handed on at once. One runner serves a stage through all its restarts;
 * each subscription of `epoch$` begins a new epoch, and results of an older one are ignored.
 */
export class StageRunner<T, R, C extends Run<T> = Run<T>> {
  readonly channel: Channel<T>
  private readonly handler: StageHandler<T, R, C>
  private readonly onValue: ((value: R, run: C) => void) | undefined
  private readonly onError: ((error: unknown, run: C) => void) | undefined
  private readonly onPutBack: ((run: C) => void) | undefined
  private readonly holds: ((value: R, run: C) => boolean) | undefined
  private readonly createRun: (item: T, attempt: number) => C
  /** Runs whose handler has not returned, or whose result keeps the slot. */
  private readonly unfinished = new LinkedList<C>()
  /** Items that a crash has put back; a second crash fails them. */
  private readonly putBack = new Set<T>()
  /** Whoever watches the present epoch: an error is a crash, completion is the end of a drain. */
  private watcher: Subscriber<never> | undefined
  private draining = false
  private starts = 0

  constructor(handler: StageHandler<T, R, C>, options: RunnerOptions<T, R, C>) {
    this.handler = checkFunction('handler', handler)
    this.channel = checkMethods('channel', options.channel, 'a Channel', ['offer', 'consume', 'release', 'drain'])
    this.onValue = options.onValue
    this.onError = options.onError
    this.onPutBack = options.onPutBack
    this.holds = options.holds
    this.createRun = options.createRun ?? ((item, attempt) => new Run(item, attempt) as C)
  }

  /** How often the stage has been started. */
  get epoch(): number {
    return this.starts
  }

  /** Runs whose handler has not returned or whose result keeps the slot. */
  get runs(): Iterable<C> & { readonly size: number } {
    return this.unfinished
  }

  /**
   * One epoch of the stage: subscribing begins to take items, unsubscribing takes nothing any more while
   * what runs goes on. It errors with the `StageCrash` that a handler raised, and completes after `drain`
   * once nothing waits and nothing runs.
   */
  readonly epoch$: Observable<never> = new Observable((watcher) => {
    this.starts += 1
    this.watcher = watcher
    this.channel.consume(this.run)
    watcher.add(() => {
      this.stop()
    })
    this.checkIdle()
  })

  /** Lets the epochs complete as soon as nothing waits and nothing runs. */
  drain(): void {
    this.draining = true
    this.checkIdle()
  }

  /** Tells a handler that nobody wants its result any more; it keeps its slot until it returns or `end`. */
  callOff(run: C, reason: unknown): void {
    if (run.state === 'running') {
      run.state = 'called-off'
      // Also one whose handler is still on the stack, so that a crash meanwhile does not put it back.
      run.abort(reason)
    }
  }

  /** Ends a run from outside: of a result that kept its slot, or one whose handler does not return. */
  end(run: C, end: ItemEnd): void {
    if (run.state === 'ended') return
    this.leave(run, end)
    this.channel.drain()
    this.checkIdle()
  }

  /** Takes back an item that waits. */
  withdraw(item: T, end: ItemEnd): boolean {
    if (this.putBack.size > 0) this.putBack.delete(item)
    const removed = this.channel.remove(item, end)
    if (removed) this.checkIdle()
    return removed
  }

  /** The channel has lost an item that waited. */
  lost(item: T): void {
    if (this.putBack.size > 0) this.putBack.delete(item)
    this.checkIdle()
  }

  /** Stops, calls off what runs and puts it back before what waits; what was put back before fails. */
  crash(error: StageCrash): void {
    const watcher = this.watcher
    if (watcher === undefined) return
    this.stop()
    const runs = [...this.unfinished]
    for (const run of runs) this.unfinished.delete(run)
    const again = runs.filter((run) => run.state === 'running' && !run.lastChance)
    const failed = runs.filter((run) => run.state === 'held' || (run.state === 'running' && run.lastChance))
    const calledOff = runs.filter((run) => run.state === 'called-off')
    for (const run of runs) run.state = 'ended'
    for (const run of again) this.putBack.add(run.item)
    // Told first: what the channel loses meanwhile is told, too, and whoever hears it may take these back.
    for (const run of again) this.onPutBack?.(run)
    this.channel.requeue(again.map((run) => run.item))
    for (const _ of failed) this.channel.release('failed')
    for (const _ of calledOff) this.channel.release('cancelled')
    for (const run of runs) run.abort(error)
    for (const run of failed.concat(calledOff)) this.tell(this.onError, error, run)
    watcher.error(error)
  }

  private readonly run = (item: T): void => {
    const again = this.putBack.size > 0 && this.putBack.delete(item)
    const run = this.createRun(item, again ? 2 : 1)
    this.unfinished.add(run)
    let result: R | PromiseLike<R>
    try {
      result = this.handler(item, run)
      if (isPromiseLike(result)) {
        // A `then` of a stranger's may throw, too.
        result.then(
          (value) => {
            this.finish(run, value)
          },
          (error: unknown) => {
            this.fail(run, error)
          },
        )
        return
      }
    } catch (error) {
      this.fail(run, error)
      return
    }
    this.finish(run, result)
  }

  private finish(run: C, value: R): void {
    if (run.state === 'ended') return
    if (run.state === 'running' && this.holds?.(value, run) === true) {
      run.state = 'held'
      this.tell(this.onValue, value, run)
      return
    }
    this.leave(run, run.state === 'running' ? 'completed' : 'cancelled')
    this.tell(this.onValue, value, run)
    this.channel.drain()
    this.checkIdle()
  }

  /** Ends a run with an error, as if its handler had thrown it: also one that was held. */
  fail(run: C, error: unknown): void {
    if (run.state === 'ended') return
    this.leave(run, run.state === 'called-off' ? 'cancelled' : 'failed')
    this.tell(this.onError, error, run)
    if (error instanceof StageCrash) this.crash(error)
    else this.channel.drain()
    this.checkIdle()
  }

  /** What those who are told throw is theirs alone. */
  private tell<V>(callback: ((value: V, run: C) => void) | undefined, value: V, run: C): void {
    try {
      callback?.(value, run)
    } catch (error) {
      reportUnhandled(error)
    }
  }

  private leave(run: C, end: ItemEnd): void {
    this.unfinished.delete(run)
    run.state = 'ended'
    this.channel.release(end)
  }

  private stop(): void {
    this.channel.detach(this.run)
    this.watcher = undefined
  }

  private checkIdle(): void {
    if (this.draining && this.channel.idle) this.watcher?.complete()
  }
}

function isPromiseLike<R>(result: R | PromiseLike<R>): result is PromiseLike<R> {
  return typeof result === 'object' && result !== null && 'then' in result && typeof result.then === 'function'
}
