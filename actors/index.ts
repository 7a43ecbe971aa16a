export type { ChildContext, ChildSpec, ChildStart } from './child-spec.ts'
export {
  RestartIntensityError,
  StageCrash,
  StageSetupError,
  StageStoppedError,
  StageTeardownError,
  StageUnhealthyError,
} from './errors.ts'
export {
  checkLife,
  checkOnCrash,
  lifeKeys,
  type LifeOptions,
  type LifeSettings,
  type SetupContext,
  type StageHealth,
  type StageTrouble,
  type TeardownReason,
} from './life-options.ts'
export { allowRestart } from './restart-intensity.ts'
export { Run } from './run.ts'
export type { RunnerOptions, StageHandler, StagePhase } from './runner-options.ts'
export { fromStage } from './stage.ts'
export { fromRunner, type StageEvent } from './stage-machine.ts'
export { StageRunner } from './stage-runner.ts'
export type { RestartPolicy, RestartStrategy } from './supervision-rules.ts'
export { supervise, type SupervisorInput, type SupervisorLogic, type SupervisorOptions } from './supervisor.ts'
export type { Decision, SupervisorEvent } from './supervisor-event.ts'
