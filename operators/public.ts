export {
  boundedBuffer,
  type BoundedBufferOptions,
  type ChannelLimits,
  type Project,
  type ProjectContext,
} from './bounded-buffer.ts'
export { Channel } from './channel.ts'
export type { ChannelStats, ItemEnd } from './channel-books.ts'
export type { ChannelOptions, DropLowest, LossReason, OverflowStrategy } from './channel-options.ts'
export { type Clock, systemClock, type TimerHandle } from './clock.ts'
export { dropNewest } from './drop-newest.ts'
export { ChannelClosedError, OverflowError } from './errors.ts'
export type { ItemOutcome, ShedReason } from './item-outcome.ts'
export type { RandomSource } from './random.ts'
export { type ErrorCode, SpillwayError } from './spillway-error.ts'
