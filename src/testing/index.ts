export { type ArrivalPattern, arrivals } from './arbitraries/arrivals.ts'
export { cancellations } from './arbitraries/cancellations.ts'
export { type ClockJump, clockJumps } from './arbitraries/clock-jumps.ts'
export { type Fault, faults } from './arbitraries/faults.ts'
export { keys, priorities, weights } from './arbitraries/item-traits.ts'
export { limitChanges } from './arbitraries/limit-changes.ts'
export { roundMs, type WeighedMs } from './arbitraries/round-ms.ts'
export { serviceTimes } from './arbitraries/service-times.ts'
export {
  checkInvariants,
  type CheckOptions,
  type PipelineCheckOptions,
  type PipelineSubject,
  type Report,
} from './check-invariants.ts'
export { deadLetterStoreContract } from './dead-letter-store-contract.ts'
export type { DeadLetterStoreSubject } from './dead-letters/store-check.ts'
export { InvariantError, type BrokenRun } from './invariant-error.ts'
export type { InvariantName, Violation } from './invariants.ts'
export {
  type ContractCase,
  type EndlessSubject,
  modelWorkerContract,
  type ModelWorkerContractOptions,
  type WorkerSubject,
} from './model-worker-contract.ts'
export {
  type Item,
  operator,
  type OperatorLimits,
  type OperatorParts,
  type OperatorSubject,
} from './operator-subject.ts'
export { retrieverContract } from './retriever-contract.ts'
export { sessionStoreContract } from './session-store-contract.ts'
export type { SessionStoreSubject } from './sessions/session-check.ts'
export type { Arrivals } from '../simulation/arrivals.ts'
export type { Distribution } from '../simulation/distribution.ts'
export type { DurationFigures, DurationPoint } from '../simulation/durations.ts'
export { type Goal, type GoalFigure, type GoalReport, type GoalTerm, meetsGoal, parseGoal } from '../simulation/goal.ts'
export type { GroupFigures } from '../simulation/groups.ts'
export type { Histogram } from '../simulation/histogram.ts'
export { histogramFrom, type HistogramSelection } from '../simulation/prometheus-histogram.ts'
export { sweepHtml } from '../simulation/report/sweep-html.ts'
export { simulationHtml } from '../simulation/report/simulation-html.ts'
export { simulationTable } from '../simulation/report/simulation-table.ts'
export type { Scenario, ServiceTime, StageTrial } from '../simulation/scenario.ts'
export { simulate, type SimulateOptions } from '../simulation/simulate.ts'
export type { SimulationReport, SimulationTimeline, StageReport } from '../simulation/simulation-report.ts'
export { cheapest, sweep, type SweepRow, type SweepSetting } from '../simulation/sweep.ts'
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts'
