import { SpillwayError } from '../operators/index.ts'

/**
 * Thrown by a handler to say that its stage is broken, not just this item: the item fails, the stage is
 * restarted, what waits stays and what else was running goes back to the head of the channel once.
 */
export class StageCrash extends SpillwayError {
  readonly code: 'stage_crash' | 'stage_setup' | 'stage_unhealthy' = 'stage_crash'
}

/** A stage could not be started: its `setup` failed or took too long; `cause` is what it threw. */
export class StageSetupError extends StageCrash {
  override readonly code = 'stage_setup'
}

/** A stage's health check failed so often that the stage was started again; `cause` is the last failure. */
export class StageUnhealthyError extends StageCrash {
  override readonly code = 'stage_unhealthy'
}

/**
 * A stage was stopped before the handler of an item returned, and the item may not be run again; or something was to
 * change a stage that has ended.
 */
export class StageStoppedError extends SpillwayError {
  readonly code = 'stage_stopped'
}

/** A stage's `teardown` failed or took too long; `cause` is what it threw. */
export class StageTeardownError extends SpillwayError {
  readonly code = 'stage_teardown'
}

/** A child crashed more often than its supervisor tolerates; `cause` is the last crash. */
export class RestartIntensityError extends SpillwayError {
  readonly code = 'restart_intensity'
}
