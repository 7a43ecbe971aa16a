export type { ChildContext, ChildSpec, ChildStart } from './child-spec.ts'
export { type Backoff, type BackoffOptions, exponentialBackoff } from '../operators/index.ts'
export {
  RestartIntensityError,
  StageCrash,
  StageSetupError,
  StageStoppedError,
  StageTeardownError,
  StageUnhealthyError,
} from './errors.ts'
export type { LifeOptions, SetupContext, StageHealth, StageTrouble, TeardownReason } from './life-options.ts'
export { allowRestart, type RestartIntensity } from './restart-intensity.ts'
export type { StageRun } from './run.ts'
export { fromStage } from './stage.ts'
export type { StageEvent, StageLogic } from './stage-machine.ts'
export type { StageHandler, StageOptions, StagePhase } from './runner-options.ts'
export type { RestartPolicy, RestartStrategy } from './supervision-rules.ts'
export { supervise, type SupervisorInput, type SupervisorLogic, type SupervisorOptions } from './supervisor.ts'
export type { Decision, SupervisorEvent } from './supervisor-event.ts'
export { fromWorkerPool, type WorkerPoolEvent, type WorkerPoolLogic } from './worker-pool.ts'
export type {
  WorkerAffinity,
  WorkerFigures,
  WorkerPoolFigures,
  WorkerPoolOptions,
  WorkerRouting,
  WorkerRun,
  WorkerSetupContext,
} from './worker-pool-options.ts'
