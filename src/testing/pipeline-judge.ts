import type { HandlerContext } from '../handler.ts'
import type { Carrier } from '../pipeline/carrier.ts'
import type { Outcome } from '../pipeline/outcome.ts'
import type { DeadLetterFigures, Ledger } from '../pipeline/running.ts'
import type { Judge } from './invariants.ts'
import type { Case } from './pipeline-case.ts'

/** A pipeline between one call and the next, and what its callers have seen. */
export interface PipelineState {
  readonly ledger: Ledger
  readonly deadLetters: DeadLetterFigures
  readonly inside: Carrier
  readonly cases: readonly Case[]
  /** By submission. */
  readonly told: ReadonlyMap<string, readonly Outcome<unknown>[]>
  /** Handlers that have not returned. */
  readonly active: ReadonlyMap<HandlerContext, Case>
  readonly crashed: boolean
  /** How many wait before each stage that may start. */
  readonly startable: readonly number[]
}

/** Holds a pipeline at rest to the invariants: the ledger, every channel's books and bounds, and who waits for what. */
export function judgePipeline(state: PipelineState, judge: Judge): void {
  judgeLedger(state, judge)
  judgeDeadLetters(state, judge)
  judgeChannels(state, judge)
  for (const [context, { id, reply }] of state.active) {
    if (reply.settled === undefined || context.signal.aborted) continue
    judge('Unsubscribe', `request ${id} is ${reply.settled.kind}, but its handler's signal is not aborted`)
  }
}

function judgeLedger({ ledger, cases, told }: PipelineState, judge: Judge): void {
  const { submitted, completed, shed, failed, expired, cancelled, inFlight } = ledger
  const all = `submitted ${submitted} = completed ${completed} + shed ${shed} + failed ${failed} + expired ${expired} + cancelled ${cancelled} + in flight ${inFlight}`
  if (submitted !== completed + shed + failed + expired + cancelled + inFlight) {
    judge('Conservation', `the ledger does not add up: ${all}`)
  }
  if (submitted !== cases.length) judge('Conservation', `${cases.length} were submitted, but the ledger says ${all}`)
  const counts = { completed: 0, shed: 0, failed: 0, expired: 0, cancelled: 0 }
  for (const { id, reply, letIn } of cases) {
    const outcomes = told.get(reply.submissionId) ?? []
    const [outcome] = outcomes
    if (outcomes.length > 1) judge('Conservation', `${outcomes.length} outcomes of request ${id} were told`)
    if ((outcome === undefined) !== (reply.settled === undefined)) {
      judge(
        'Conservation',
        `the outcome of request ${id} is ${reply.settled?.kind ?? 'open'} to its caller, but ${outcome?.kind ?? 'none'} was told`,
      )
    }
    if (outcome === undefined) continue
    counts[outcome.kind] += 1
    if (letIn && outcome.kind === 'shed' && outcome.reason === 'door') {
      judge('Sheds exactly when it must', `request ${id} is shed at the door although it was let in`)
    }
  }
  for (const [kind, count] of Object.entries(counts)) {
    const entered = ledger[kind as keyof typeof counts]
    if (entered !== count) judge('Conservation', `${count} requests are ${kind}, but the ledger says ${entered}`)
  }
}

/** Each request that its stage's policy selects is one dead letter, and each of those is in one figure. */
function judgeDeadLetters({ deadLetters, inside, told }: PipelineState, judge: Judge): void {
  const { selected, ...ends } = deadLetters
  const sum = Object.values(ends).reduce((all, count) => all + count, 0)
  if (sum !== selected) judge('Conservation', `the dead letters do not add up: ${JSON.stringify(deadLetters)}`)
  let expected = 0
  for (const [outcome] of told.values()) {
    if (outcome === undefined || outcome.kind === 'completed' || outcome.kind === 'cancelled') continue
    const { settings } = inside.nodes.find(({ name }) => name === outcome.stage) ?? {}
    if (settings?.deadLetter?.includes(outcome.kind) === true) expected += 1
  }
  if (selected !== expected) {
    judge('Conservation', `${expected} requests were to be dead letters, but ${selected} were taken for such`)
  }
}

function judgeChannels({ inside, crashed, startable }: PipelineState, judge: Judge): void {
  for (const { index, name, channel, settings, state } of inside.nodes) {
    const { stats, capacity, concurrency } = channel
    const at = `stage ${name}`
    const { waiting, running, completed, failed, expired, cancelled, evicted, discarded } = stats
    const sum = waiting + running + completed + failed + expired + cancelled + evicted + discarded
    if (stats.offered !== stats.accepted + stats.rejected + stats.pending || stats.accepted !== sum) {
      judge('Conservation', `the books of ${at} do not add up: ${JSON.stringify(stats)}`)
    }
    // What a crash has put back may exceed the capacity, by as many as ran.
    const most = capacity + (crashed || state !== 'running' ? concurrency : 0)
    // Those of units are in the books of the stage.
    if (!settings.weighted && waiting > most) {
      judge('Bounds', `at ${at} ${waiting} wait, but capacity is ${capacity}`)
    }
    if (running > concurrency) judge('Bounds', `at ${at} ${running} run, but concurrency is ${concurrency}`)
    const ready = startable[index] ?? 0
    if (state === 'running' && ready > 0 && running < concurrency) {
      judge('Work-conserving', `at ${at} ${ready} wait beside a free slot: ${running} of ${concurrency} run`)
    }
  }
}
