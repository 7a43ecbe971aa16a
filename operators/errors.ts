import { SpillwayError } from './spillway-error.ts'

/** A bounded buffer that must not lose anything was given more than it holds. */
export class OverflowError extends SpillwayError {
  readonly code = 'overflow'
}

/** Something was asked of a channel that has been closed. */
export class ChannelClosedError extends SpillwayError {
  readonly code = 'channel_closed'
}
