export { RestartIntensityError, StageCrash } from './errors.ts'
export { allowRestart } from './restart-intensity.ts'
export { Run } from './run.ts'
export { fromRunner, fromStage, type StageEvent } from './stage.ts'
export { type RunnerOptions, StageRunner } from './stage-runner.ts'
export {
  type ChildSpec,
  supervise,
  type SupervisorEvent,
  type SupervisorLogic,
  type SupervisorOptions,
} from './supervisor.ts'
