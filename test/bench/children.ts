import { Observable, type Subscriber } from 'rxjs'
import { createActor } from 'xstate'
import { type ChildSpec, supervise } from '../../actors/index.ts'
import { type Clock, systemClock } from '../../operators/index.ts'
import type { Report, ReportLine } from './report.ts'

/** How many children, under one supervisor or under as many as are said. */
const sizes = [
  { children: 10, supervisors: 1 },
  { children: 100, supervisors: 1 },
  { children: 1_000, supervisors: 1 },
  { children: 5_000, supervisors: 1 },
  { children: 5_000, supervisors: 50 },
] as const

/** One child after the other crashes, so often. */
const restarts = 200

const rounds = 5

/** No backoff is waited for. */
const clock: Clock = {
  ...systemClock,
  setTimeout: (fn) => {
    queueMicrotask(fn)
  },
  clearTimeout: () => undefined,
}

const answer = { clock, backoff: () => 0, withinMs: 1, maxRestarts: restarts }

/** What a child costs among many: to be started with all the others, and to be started again alone. */
export async function children(): Promise<Report> {
  const lines: ReportLine[] = []
  for (const size of sizes) {
    const { startMs, restartMs } = await measure(size)
    const name = `${size.children} children${size.supervisors === 1 ? '' : ` under ${size.supervisors} supervisors`}`
    lines.push({ name: `${name}: start`, figure: microseconds(startMs / size.children) })
    lines.push({ name: `${name}: restart of one`, figure: microseconds(restartMs / restarts) })
  }
  return { title: 'Children under a supervisor, processor time for each', lines }
}

/** The least of several measurements: what is compiled at first, and what a collection of garbage takes, is no child's. */
async function measure({ children, supervisors }: (typeof sizes)[number]): Promise<Cost> {
  const costs: Cost[] = []
  for (let round = 0; round < rounds; round++) costs.push(await new Family(children, supervisors).measure())
  return {
    startMs: Math.min(...costs.map(({ startMs }) => startMs)),
    restartMs: Math.min(...costs.map(({ restartMs }) => restartMs)),
  }
}

/** Of all starts, and of all restarts. */
interface Cost {
  readonly startMs: number
  readonly restartMs: number
}

/** Supervisors with as many children each, under one more where they are several. */
class Family {
  private readonly running: Subscriber<never>[] = []
  private readonly children: readonly ChildSpec[]
  private onStart: (index: number) => void = () => undefined

  constructor(children: number, supervisors: number) {
    const each = children / supervisors
    const all = Array.from({ length: children }, (_, index) => this.child(index))
    const under = (list: readonly ChildSpec[]) => supervise(list, answer)
    this.children =
      supervisors === 1
        ? all
        : Array.from({ length: supervisors }, (_, index) => ({
            id: `supervisor ${index}`,
            start: under(all.slice(index * each, (index + 1) * each)),
          }))
  }

  async measure(): Promise<Cost> {
    const root = createActor(supervise(this.children, answer))
    root.subscribe({ error: () => undefined })
    const startMs = await processorTime(() => {
      root.start()
    })
    const restartMs = await processorTime(async () => {
      for (let count = 0; count < restarts; count++) await this.restart((count * 7) % this.running.length)
    })
    root.stop()
    return { startMs, restartMs }
  }

  private child(index: number): ChildSpec {
    const start$ = (): Observable<never> =>
      new Observable((subscriber) => {
        this.running[index] = subscriber
        this.onStart(index)
      })
    return { id: `child ${index}`, start: start$ }
  }

  private restart(fallen: number): Promise<void> {
    return new Promise((resolve) => {
      this.onStart = (index) => {
        if (index === fallen) resolve()
      }
      this.running[fallen]?.error(new Error('it was to crash'))
    })
  }
}

/** In milliseconds; unlike the time of day it does not count what else the machine does. */
async function processorTime(what: () => void | Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await what()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

function microseconds(ms: number): string {
  return `${(ms * 1000).toFixed(0)} µs`
}
