import { type Clock, show } from '../../operators/index.ts'
import { type Ledger, type Outcome, pipeline, StageCrash } from '../../src/index.ts'

/** What happens while the requests come. */
export interface CrashOptions {
  readonly requests: number
  /** Milliseconds from one request to the next. */
  readonly everyMs: number
  /** Milliseconds that the fragile stage works on each; it works on four at a time. */
  readonly workMs: number
  /** Requests whose handler raises `StageCrash` once its work is done, or at once. */
  readonly crashesLate: ReadonlySet<number>
  readonly crashesAtOnce: ReadonlySet<number>
  readonly clock: Clock
  /** Lets the time pass that it all needs, where the clock does not do so by itself. */
  readonly pass?: () => Promise<void>
}

/** How it went. */
export interface CrashReport {
  /** How each request ended, as its caller heard it. */
  readonly outcomes: readonly Outcome<string>[]
  readonly ledger: Ledger
  /** Steps after which the ledger did not balance. */
  readonly imbalances: number
  readonly restarts: number
  readonly crashes: number
  /** The most requests that waited before the stage while it was down. */
  readonly waitedWhileDown: number
  /** Runs of the handler, of each request. */
  readonly runs: readonly number[]
}

/** A steady load on three stages, of which the middle one crashes again and again. */
export async function crashUnderLoad(options: CrashOptions): Promise<CrashReport> {
  const { requests, everyMs, workMs, crashesLate, crashesAtOnce, clock, pass } = options
  const runs = new Array<number>(requests).fill(0)
  const fragile = (id: number): Promise<number> => {
    runs[id] = runs[id]! + 1
    if (crashesAtOnce.has(id)) throw new StageCrash(`request ${id} broke the stage`)
    return new Promise((resolve, reject) => {
      clock.setTimeout(() => {
        if (crashesLate.has(id)) reject(new StageCrash(`request ${id} broke the stage`))
        else resolve(id)
      }, workMs)
    })
  }
  const running = pipeline<number>('crash-under-load')
    .stage('before', (id) => id, { capacity: requests })
    .stage('fragile', fragile, { capacity: requests, concurrency: 4 })
    .stage('after', (id) => `answer ${id}`, { capacity: requests })
    .start({
      clock,
      supervision: { maxRestarts: requests, withinMs: 1_000, backoff: () => 50 },
    })
  let [crashes, imbalances, waitedWhileDown] = [0, 0, 0]
  running.events$.subscribe({
    next: (event) => {
      if (event.type === 'crashed') crashes += 1
    },
    error: () => undefined,
  })
  const look = (): void => {
    if (!balances(running.ledger())) imbalances += 1
    const { state, queueDepth } = running.stages.fragile
    if (state === 'backing-off') waitedWhileDown = Math.max(waitedWhileDown, queueDepth)
  }

  const callers: Promise<Outcome<string>>[] = []
  const allSubmitted = new Promise<void>((resolve) => {
    const submit = (): void => {
      callers.push(running.submit(callers.length).outcome)
      look()
      if (callers.length < requests) clock.setTimeout(submit, everyMs)
      else resolve()
    }
    submit()
  })
  const all = allSubmitted.then(() => Promise.all(callers))
  await pass?.()
  const outcomes = await all
  look()
  const { restarts } = running.stages.fragile
  const drained = running.drain()
  await pass?.()
  await drained
  return { outcomes, ledger: running.ledger(), imbalances, restarts, crashes, waitedWhileDown, runs }
}

/** What is wrong with a report, in sentences; none where everything is as it must be. */
export function faultsOf(report: CrashReport, { crashesLate, crashesAtOnce }: CrashOptions): readonly string[] {
  const { outcomes, ledger, imbalances, restarts, crashes, runs } = report
  const faults: string[] = []
  const raised = new Set([...crashesLate, ...crashesAtOnce])
  for (const [id, outcome] of outcomes.entries()) {
    const { kind } = outcome
    const ran = runs[id]!
    if (kind === 'failed') {
      const crash = outcome.error instanceof StageCrash
      if (!crash || outcome.stage !== 'fragile') faults.push(`request ${id} failed with ${show(outcome.error)}`)
      // The one that raised the crash fails, and one that has been put back before.
      if (!raised.has(id) && ran !== 2) faults.push(`request ${id} failed in run ${ran} although it raised no crash`)
    } else if (kind !== 'completed' || outcome.value !== `answer ${id}` || raised.has(id)) {
      faults.push(`request ${id} was ${kind}`)
    }
    if (ran < 1 || ran > 2) faults.push(`request ${id} was run ${ran} times`)
  }
  const { submitted, completed, failed, inFlight } = ledger
  if (completed + failed !== submitted || submitted !== outcomes.length || inFlight !== 0 || imbalances > 0) {
    faults.push(`the ledger does not balance: ${JSON.stringify(ledger)}, ${imbalances} times on the way`)
  }
  if (restarts !== crashes) faults.push(`${crashes} crashes, ${restarts} restarts`)
  return faults
}

/** Whether every submission is in exactly one of the other figures. */
export function balances({ submitted, completed, shed, failed, expired, cancelled, inFlight }: Ledger): boolean {
  return submitted === completed + shed + failed + expired + cancelled + inFlight
}
