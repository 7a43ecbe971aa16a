import * as fc from 'fast-check'
import { arrivals } from './arbitraries/arrivals.ts'
import { cancellations } from './arbitraries/cancellations.ts'
import { type ClockJump, clockJumps } from './arbitraries/clock-jumps.ts'
import { type Fault, faults } from './arbitraries/faults.ts'
import { rarely } from './arbitraries/rarely.ts'
import { roundMs } from './arbitraries/round-ms.ts'
import { serviceTimes } from './arbitraries/service-times.ts'
import { type Arriving, workload } from './arbitraries/workload.ts'
import { describeJump } from './operator-scenario.ts'

/** What one stage does with one request beside what its handler does. */
interface PlannedStep {
  /** Before the handler is called; 0: it is called at once. */
  readonly delayMs: number
  /** Instead of the handler. */
  readonly fault: Fault | undefined
}

/** One request and all that is to become of it. */
export interface PlannedRequest extends Arriving {
  /** The request itself, where an arbitrary makes it. */
  readonly request: unknown
  readonly deadlineMs: number | undefined
  /** Where the pipeline serves those of one session in turns. */
  readonly session: string | undefined
  readonly cancelAfterMs: number | undefined
  /** How its caller reads: nothing, as it comes, or at a pace of its own. */
  readonly reads: 'nothing' | 'pushed' | 'pulled'
  readonly readAfterMs: number
  /** Between one batch and the next, for who pulls. */
  readonly paceMs: number
  /** Its caller goes away after so many chunks. */
  readonly stopsAfter: number | undefined
  readonly jump: ClockJump | undefined
  readonly steps: readonly PlannedStep[]
}

/** A workload of a pipeline, with nothing left to chance. */
export interface PipelineScenario {
  readonly admission: 'door' | 'stage'
  readonly requests: readonly PlannedRequest[]
  readonly drainAtMs: number
  readonly drainTimeoutMs: number
}

/** What the workloads of a pipeline depend on. */
export interface PipelineScenarioOptions {
  readonly stages: number
  readonly maxItems: number
  readonly request: fc.Arbitrary<unknown> | undefined
  /** Whether requests are objects, which can be given a deadline. */
  readonly admission: 'door' | 'stage' | undefined
  /** Whether those of one session take turns. */
  readonly serial: boolean
}

/** Workloads of a pipeline with so many stages. */
export function pipelineScenarios(options: PipelineScenarioOptions): fc.Arbitrary<PipelineScenario> {
  const { stages, maxItems, request, admission, serial } = options
  const step: fc.Arbitrary<PlannedStep> = fc.record({ delayMs: serviceTimes(), fault: faults(undefined, 8) })
  const planned: fc.Arbitrary<Omit<PlannedRequest, 'atMs'>> = fc.record({
    request: request ?? fc.constant(undefined),
    deadlineMs: rarely(
      4,
      roundMs([
        [1, 1],
        [10, 3],
        [50, 2],
        [100, 1],
      ]),
    ),
    session: serial ? fc.constantFrom(undefined, 'a', 'a', 'b') : fc.constant(undefined),
    cancelAfterMs: cancellations(),
    reads: fc.constantFrom('pulled', 'pushed', 'nothing'),
    readAfterMs: serviceTimes(),
    paceMs: serviceTimes(),
    stopsAfter: rarely(5, fc.integer({ min: 1, max: 4 })),
    jump: rarely(16, clockJumps()),
    steps: fc.tuple(...Array.from({ length: stages }, () => step)),
  })
  return fc.record({
    admission: admission === undefined ? fc.constantFrom('door', 'stage') : fc.constant(admission),
    requests: workload(arrivals({ maxLength: maxItems }), planned),
    drainAtMs: roundMs([
      [0, 0],
      [10, 1],
      [50, 2],
      [200, 3],
      [1000, 3],
    ]),
    drainTimeoutMs: roundMs([
      [0, 1],
      [20, 2],
      [1000, 4],
    ]),
  })
}

/** The scenario in words, a line for each thing that happens. */
export function describePipelineScenario(
  { admission, requests, drainAtMs, drainTimeoutMs }: PipelineScenario,
  stages: readonly string[],
): string {
  const lines = requests.flatMap(({ request, jump, atMs, ...plan }, id) => [
    ...(jump === undefined ? [] : [describeJump(jump)]),
    [
      `request ${id}${request === undefined ? '' : ` ${fc.stringify(request)}`} arrives at ${atMs} ms`,
      ...fate(plan, stages),
    ].join(', '),
  ])
  const drain = `the pipeline is drained at ${drainAtMs} ms, within ${drainTimeoutMs} ms`
  return [`admission at the ${admission}`, ...lines, drain].map((line) => `  ${line}`).join('\n')
}

type Fate = Omit<PlannedRequest, 'request' | 'jump' | 'atMs'>

function fate(
  { deadlineMs, session, cancelAfterMs, steps, ...reader }: Fate,
  stages: readonly string[],
): readonly string[] {
  const { reads, readAfterMs, paceMs, stopsAfter } = reader
  const reading = [
    `is ${reads === 'nothing' ? 'not read' : reads}`,
    reads !== 'nothing' && readAfterMs > 0 && `after ${readAfterMs} ms`,
    reads === 'pulled' && paceMs > 0 && `every ${paceMs} ms`,
    reads !== 'nothing' && stopsAfter !== undefined && `up to ${stopsAfter} chunks`,
  ]
  return [
    session !== undefined && `is of session ${session}`,
    deadlineMs !== undefined && `has ${deadlineMs} ms`,
    cancelAfterMs !== undefined && `is cancelled after ${cancelAfterMs} ms`,
    reading.filter(Boolean).join(' '),
    ...steps.map(({ delayMs, fault }, index) => {
      if (delayMs === 0 && fault === undefined) return false
      const when = delayMs === 0 ? '' : ` after ${delayMs} ms`
      return `${stages[index] ?? ''} ${fault === undefined ? 'begins' : inWords[fault]}${when}`
    }),
  ].filter((part) => typeof part === 'string')
}

const inWords: Readonly<Record<Fault, string>> = {
  throw: 'throws',
  reject: 'rejects',
  hang: 'hangs',
  crash: 'crashes',
}
