import { isObservable, Observable } from 'rxjs'
import { checkKeys, type Clock, type RandomSource } from '../../operators/index.ts'
import type { Handler } from '../handler.ts'
import type { StageContext } from '../pipeline/stage-context.ts'
import { type Draw, drawFrom } from './distribution.ts'
import { Durations } from './durations.ts'
import type { ServiceTime } from './scenario.ts'

/** The part of a simulation that counts. */
export interface Window {
  readonly fromMs: number
  readonly toMs: number
}

/** Whether what was submitted at a time counts. */
export function counts({ fromMs, toMs }: Window, submittedAt: number): boolean {
  return submittedAt >= fromMs && submittedAt < toMs
}

/** What a simulated stage draws from. */
interface Service {
  /** To the value, or the stream's first chunk. */
  readonly first: Draw
  /** From there to the end of the stream; absent where it gives a value. */
  readonly rest?: Draw
}

/** The work of one stage in a simulation: takes the time that it is said to take, and nothing else. */
export class SimulatedStage {
  /** From arrival to start. */
  readonly waits: Durations = new Durations()
  /** For how long a slot was taken. */
  readonly runs: Durations = new Durations()
  /** For how long its slots were taken together, within the window. */
  busyMs = 0
  private readonly clock: Clock
  private readonly window: Window
  private readonly service: Service
  private readonly calledOff: boolean
  private readonly onHandedOn: () => void

  /** @param ground Its `calledOff` says whether a run may be called off before it is done. */
  constructor(
    name: string,
    time: ServiceTime,
    ground: {
      readonly clock: Clock
      readonly window: Window
      readonly random: RandomSource
      readonly calledOff: boolean
      /** Told that what a run gave has come to the next stage. */
      readonly onHandedOn: () => void
    },
  ) {
    this.clock = ground.clock
    this.window = ground.window
    this.calledOff = ground.calledOff
    this.onHandedOn = ground.onHandedOn
    this.service = checkService(`service.${name}`, time, ground.random)
  }

  readonly handler: Handler<unknown, unknown> = (value, context) => {
    const run = context as unknown as StageContext
    const { item, startedAt } = run
    if (counts(this.window, item.submittedAt)) this.waits.record(startedAt - item.arrivedAt)
    const ms = this.service.first()
    const { rest } = this.service
    if (rest !== undefined && !isObservable(value)) return this.stream(run, ms, rest())
    if (ms > 0) return this.later(value, run, ms)
    this.ended(run)
    return value
  }

  /** Promise-like, and settled by the clock itself: a promise would settle after the clock has gone on. */
  private later(value: unknown, run: StageContext, ms: number): Pick<PromiseLike<unknown>, 'then'> {
    const { clock } = this
    const then = (done: (value: unknown) => void, failed: (error: unknown) => void): void => {
      const timer = clock.setTimeout(() => {
        this.ended(run)
        done(value)
        this.onHandedOn()
      }, ms)
      if (!this.calledOff) return
      const { signal } = run
      const callOff = (): void => {
        clock.clearTimeout(timer)
        this.ended(run)
        failed(signal.reason)
      }
      signal.addEventListener('abort', callOff, { once: true })
    }
    return { then } as Pick<PromiseLike<unknown>, 'then'>
  }

  private stream(run: StageContext, firstMs: number, restMs: number): Observable<unknown> {
    const { clock } = this
    return new Observable((subscriber) => {
      let timer = clock.setTimeout(() => {
        timer = clock.setTimeout(() => {
          subscriber.complete()
        }, restMs)
        subscriber.next(undefined)
      }, firstMs)
      return () => {
        clock.clearTimeout(timer)
        this.ended(run)
      }
    })
  }

  private ended({ item, startedAt }: StageContext): void {
    const { fromMs, toMs } = this.window
    const now = this.clock.now()
    this.busyMs += Math.max(0, Math.min(now, toMs) - Math.max(startedAt, fromMs))
    if (counts(this.window, item.submittedAt)) this.runs.record(now - startedAt)
  }
}

function checkService(option: string, time: ServiceTime, random: RandomSource): Service {
  if (typeof time === 'number' || !('firstChunk' in time)) return { first: drawFrom(option, time, random) }
  checkKeys(option, time, ['firstChunk', 'rest'])
  return {
    first: drawFrom(`${option}.firstChunk`, time.firstChunk, random),
    rest: drawFrom(`${option}.rest`, time.rest, random),
  }
}
