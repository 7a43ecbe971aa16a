import { SpillwayError } from '../operators/index.ts'

/**
 * Thrown by a handler to say that its stage is broken, not just this item: the item fails, the stage is
 * restarted, what waits stays and what else was running goes back to the head of the channel once.
 */
export class StageCrash extends SpillwayError {
  readonly code = 'stage_crash'
}

/** A child crashed more often than its supervisor tolerates; `cause` is the last crash. */
export class RestartIntensityError extends SpillwayError {
  readonly code = 'restart_intensity'
}
