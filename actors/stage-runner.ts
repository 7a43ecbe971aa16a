import { Observable, type Subscriber } from 'rxjs'
import { checkFunction, type ItemEnd, LinkedList, reportUnhandled } from '../operators/index.ts'
import { StageCrash, StageStoppedError } from './errors.ts'
import { isPromiseLike } from './is-promise-like.ts'
import { checkLife, checkOnCrash, lifeClock, type LifeSettings, type TeardownReason } from './life-options.ts'
import { Run } from './run.ts'
import {
  checkChannel,
  type RunnerOptions,
  type StageChannel,
  type StageHandler,
  type StagePhase,
} from './runner-options.ts'
import { StageHoldings } from './stage-holdings.ts'
import { StageLife } from './stage-life.ts'

/**
 * The data plane of a stage: takes items from its channel, runs the handler and hands on what comes of it.
 * A value that is there at once is handed on at once. One runner serves a stage through all its restarts;
 * each subscription of `epoch$` begins a new epoch, and results of an older one are ignored.
 */
export class StageRunner<T, R, C extends Run<T> = Run<T>> {
  private readonly channel: StageChannel<T>
  /** Who is asked and told. */
  private readonly hooks: Pick<
    RunnerOptions<T, R, C>,
    'onValue' | 'onError' | 'onPutBack' | 'onPhase' | 'holds' | 'sheds'
  >
  private handler: StageHandler<T, R, C>
  private readonly createRun: (item: T, attempt: number) => C
  private readonly requeues: boolean
  private readonly life: StageLife
  private readonly holdings: StageHoldings
  private settings: LifeSettings
  /** Runs whose handler has not returned, or whose result keeps the slot. */
  private readonly unfinished = new LinkedList<C>()
  /** Whoever watches the present epoch: an error is a crash, completion its end in peace. */
  private watcher: Subscriber<StagePhase> | undefined
  /** What was acquired is there, and the epoch has not ended. */
  private up = false
  /** This epoch is to end once nothing waits and nothing runs; if it crashes, the next. */
  private draining = false
  /** This epoch is to end once nothing runs. */
  private stopping = false
  /** Nothing is taken, also after a restart, until it is resumed. */
  private paused = false
  /** The channel has this as its consumer. */
  private taking = false
  private starts = 0

  constructor(handler: StageHandler<T, R, C>, options: RunnerOptions<T, R, C>) {
    this.handler = checkFunction('handler', handler)
    this.channel = checkChannel(options.channel)
    this.hooks = options
    this.settings = options.life ?? checkLife({})
    this.requeues = checkOnCrash(options) === 'requeue-once'
    const clock = lifeClock(options.clock)
    this.life = new StageLife(clock, options.onTrouble)
    this.holdings = new StageHoldings(this.life, clock, (error) => {
      this.crash(error)
    })
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

  /** Resolves once nothing is being torn down. */
  released(): Promise<void> {
    return new Promise((resolve) => {
      this.life.whenReleased(resolve)
    })
  }

  /**
   * One epoch of the stage: subscribing waits for the teardown of the one before, sets up and begins to take items;
   * it emits what phase begins. It errors with the `StageCrash` that a handler raised, or the failure of `setup` or
   * `health`, and completes after `drain` or `stop`, once all is torn down. Unsubscribing aborts: what runs is called
   * off and put back as in a crash, and all is torn down.
   */
  readonly epoch$: Observable<StagePhase> = new Observable((watcher) => {
    if (this.watcher !== undefined) {
      watcher.error(new Error('this stage runs already: each actor that is to run at once needs a stage of its own'))
      return
    }
    this.starts += 1
    this.watcher = watcher
    this.stopping = false
    watcher.add(() => {
      if (this.watcher === watcher) this.abort('stop')
    })
    this.enter('starting', watcher)
    this.setUpOnceReleased()
  })

  /** Lets the epochs complete as soon as nothing waits and nothing runs. */
  drain(): void {
    this.draining = true
    this.paused = false
    this.proceedAs('draining')
  }

  /**
   * Takes nothing any more, and lets the epoch complete once nothing runs that is still wanted and all is torn down;
   * what waits stays in the channel.
   */
  stop(): void {
    const { watcher } = this
    if (watcher === undefined || this.stopping) return
    this.stopping = true
    this.leaveOff()
    if (!this.up) {
      this.finish('stop')
      return
    }
    if (this.holdings.tearDown || this.unfinished.size > 0) this.enter('stopping', watcher)
    this.checkIdle()
  }

  /** Takes nothing any more until `resume`, also in later epochs; what runs goes on. A stage that drains does not pause. */
  pause(): void {
    if (this.paused || this.draining) return
    this.paused = true
    const { active } = this
    if (active === undefined) return
    this.leaveOff()
    this.enter('paused', active)
  }

  /** Takes items again. */
  resume(): void {
    if (!this.paused) return
    this.paused = false
    this.proceedAs('running')
  }

  /**
   * Puts another handler in the place of the present one, which what runs is finished by. With `settings` what it needs
   * is acquired first, and what the one before works with is torn down when its last run has ended. A stage that is
   * down or starting starts with the new one.
   *
   * @returns Resolves once new items go to the handler; without `settings` at once.
   * @throws StageSetupError when its setup fails, or the stage ends or is given another handler meanwhile: then the
   * handler that it had goes on.
   */
  swap(handler: StageHandler<T, R, C>, settings?: LifeSettings): Promise<void> {
    const { settings: before } = this
    this.holdings.callOffSwap?.('swap')
    if (this.up && settings !== undefined) {
      return this.holdings.swap(settings, this.starts, () => {
        this.handler = handler
        this.settings = settings
        this.checkIdle()
      })
    }
    const was = { handler: this.handler, settings: this.settings }
    this.handler = handler
    this.settings = settings ?? was.settings
    const swapped = settings && this.holdings.swapWithSetup(() => Object.assign(this, was))
    if (this.settings !== before && this.holdings.callOffSetup('swap')) this.setUpOnceReleased()
    return swapped ?? Promise.resolve()
  }

  /** Calls off a swap that has not come about, for a stage that is not started again. */
  callOffSwap(): void {
    this.holdings.callOffSwap?.('stop')
  }

  /** Tells a handler that nobody wants its result any more; it keeps its slot until it returns or `end`. */
  callOff(run: C, reason: unknown): void {
    if (run.phase === 'running') {
      run.phase = 'called-off'
      // Also one whose handler is still on the stack, so that a crash meanwhile does not put it back.
      run.abort(reason)
      this.checkIdle()
    }
  }

  /** Ends a run from outside: of a result that kept its slot, or one whose handler does not return. */
  end(run: C, end: ItemEnd): void {
    if (run.phase === 'ended') return
    this.leave(run, end)
    this.channel.drain()
    this.checkIdle()
  }

  /** Takes back an item that waits. */
  withdraw(item: T, end: ItemEnd): boolean {
    return this.channel.remove(item, end)
  }

  /** Ends the epoch at once, calls off what runs and puts it back before what waits; what was put back before fails. */
  crash(error: StageCrash): void {
    const { watcher } = this
    if (watcher === undefined) return
    this.abort('crash', error)
    watcher.error(error)
  }

  private abort(reason: TeardownReason, crash?: StageCrash): void {
    this.detach()
    const runs = [...this.unfinished]
    if (runs.length > 0) {
      this.takeBack(runs, crash ?? new StageStoppedError('the stage was stopped before the handler returned'))
    }
    this.holdings.letGo(reason)
  }

  private takeBack(runs: readonly C[], error: StageCrash | StageStoppedError): void {
    for (const run of runs) this.unfinished.delete(run)
    const held = runs.filter((run) => run.phase === 'held')
    const again = runs.filter((run) => run.phase === 'running' && this.mayRunAgain(run))
    const spent = runs.filter((run) => run.phase === 'running' && !this.mayRunAgain(run))
    const calledOff = runs.filter((run) => run.phase === 'called-off')
    for (const run of runs) run.phase = 'ended'
    // Told first: what the channel loses meanwhile is told, too, and whoever hears it may take these back.
    for (const run of again) this.tell(this.hooks.onPutBack, run, run)
    this.channel.requeue(again.map((run) => run.item))
    for (const _ of held.concat(spent)) this.channel.release('failed')
    for (const _ of calledOff) this.channel.release('cancelled')
    // Before they are called off: a stream that ends because of that must not pass for one that has ended by itself.
    for (const run of held) this.tell(this.hooks.onError, error, run)
    for (const run of runs) run.abort(error)
    for (const run of spent.concat(calledOff)) this.tell(this.hooks.onError, error, run)
  }

  private readonly run = (item: T, again: boolean): void => {
    // What was put back has started before.
    const shed = again ? undefined : this.hooks.sheds?.(item)
    if (shed !== undefined) {
      this.channel.release('evicted')
      shed()
      this.channel.drain()
      this.checkIdle()
      return
    }
    const run = this.createRun(item, again ? 2 : 1)
    run.holding = this.holdings.current
    this.unfinished.add(run)
    let result: R | PromiseLike<R>
    try {
      result = this.handler(item, run)
      if (isPromiseLike(result)) {
        // A `then` of a stranger's may throw, too.
        result.then(
          (value) => {
            this.returned(run, value)
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
    this.returned(run, result)
  }

  private returned(run: C, value: R): void {
    if (run.phase === 'ended') return
    if (run.phase === 'running' && this.hooks.holds?.(value, run) === true) {
      run.phase = 'held'
      this.tell(this.hooks.onValue, value, run)
      return
    }
    this.leave(run, run.phase === 'running' ? 'completed' : 'cancelled')
    this.tell(this.hooks.onValue, value, run)
    this.channel.drain()
    this.checkIdle()
  }

  /** Ends a run with an error, as if its handler had thrown it: also one that was held. */
  fail(run: C, error: unknown): void {
    if (run.phase === 'ended') return
    this.leave(run, run.phase === 'called-off' ? 'cancelled' : 'failed')
    this.tell(this.hooks.onError, error, run)
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
    run.phase = 'ended'
    this.channel.release(end)
  }

  private mayRunAgain(run: C): boolean {
    return this.requeues && !run.lastChance
  }

  private enter(phase: StagePhase, watcher: Subscriber<StagePhase>): void {
    this.hooks.onPhase?.(phase)
    watcher.next(phase)
  }

  private setUpOnceReleased(): void {
    const { watcher } = this
    this.life.whenReleased(() => {
      if (this.watcher === watcher) this.setUp()
    })
  }

  private setUp(): void {
    this.holdings.setUp(this.settings, this.starts, {
      done: () => {
        this.open()
      },
      failed: (error) => {
        this.crash(error)
      },
      again: () => {
        this.setUpOnceReleased()
      },
    })
  }

  private open(): void {
    this.up = true
    this.proceedAs(this.draining ? 'draining' : this.paused ? 'paused' : 'running')
  }

  /** Whoever watches a stage that is up and has not been told to stop. */
  private get active(): Subscriber<StagePhase> | undefined {
    return this.up && !this.stopping ? this.watcher : undefined
  }

  private proceedAs(phase: StagePhase): void {
    const { active } = this
    if (active === undefined) return
    this.enter(phase, active)
    this.proceed(active)
  }

  /** Takes items, unless whoever was told that it would has seen to something else. */
  private proceed(watcher: Subscriber<StagePhase>): void {
    if (this.watcher !== watcher || this.stopping || this.paused) return
    if (!this.taking) {
      this.taking = true
      this.channel.consume(this.run)
    }
    this.checkIdle()
  }

  private leaveOff(): void {
    this.taking = false
    this.channel.detach(this.run)
  }

  /** Ends the epoch in peace. */
  private finish(reason: 'drain' | 'stop'): void {
    const { watcher } = this
    if (watcher === undefined) return
    // A stage that has been drained can be started anew.
    this.draining = false
    this.abort(reason)
    if (this.life.busy && reason === 'drain') this.enter('stopping', watcher)
    this.life.whenReleased(() => {
      this.holdings.callOffSwap?.(reason)
      watcher.complete()
    })
  }

  private detach(): void {
    this.leaveOff()
    this.watcher = undefined
    this.up = false
  }

  private checkIdle(): void {
    if (this.holdings.retired) this.holdings.releaseRetired(this.unfinished)
    if (!this.up) return
    if (this.stopping) {
      for (const run of this.unfinished) if (run.phase !== 'called-off') return
      this.finish('stop')
    } else if (this.draining && this.channel.idle) {
      this.finish('drain')
    }
  }
}
