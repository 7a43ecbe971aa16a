export { batch, type BatchOptions } from './batch.ts'
export { type Backoff, type BackoffOptions, exponentialBackoff } from './backoff.ts'
export { boundedBuffer, type BoundedBufferOptions, type ChannelLimits } from './bounded-buffer.ts'
export { Breaker, type BreakerOptions, type BreakerState } from './breaker.ts'
export { Channel } from './channel.ts'
export type { ChannelStats, ItemEnd } from './channel-books.ts'
export {
  type ChannelOptions,
  checkOverflow,
  type DropOverShare,
  type LossReason,
  type OverflowStrategy,
} from './channel-options.ts'
export { checkClock, type Clock, systemClock, type TimerHandle } from './clock.ts'
export { circuitBreaker } from './circuit-breaker.ts'
export { dropNewest } from './drop-newest.ts'
export { ChannelClosedError, CircuitOpenError, OverflowError } from './errors.ts'
export { Gcra } from './gcra.ts'
export type { ItemOutcome, ShedReason } from './item-outcome.ts'
export { keyed, type KeyedOptions } from './keyed.ts'
export type { Claim } from './line.ts'
export { type Linked, LinkedList } from './linked-list.ts'
export {
  checkArray,
  checkFunction,
  checkInteger,
  checkKeys,
  checkMethods,
  checkNumber,
  checkOneOf,
  checkText,
  type NumberRange,
  show,
} from './options.ts'
export { type CodelPolicy, type DagorPolicy, Overload, type OverloadPolicy, type OverloadReason } from './overload.ts'
export type { ProjectContext } from './project.ts'
export { type RandomSource, systemRandom } from './random.ts'
export { rateLimit, type RateLimitOptions } from './rate-limit.ts'
export { retryBackoff, type RetryBackoffOptions, type RetryVerdict } from './retry-backoff.ts'
export { RetryBudget } from './retry-budget.ts'
export { messageOf } from './message-of.ts'
export { reportUnhandled } from './report-unhandled.ts'
export { shardOf } from './shard-of.ts'
export { type ErrorCode, SpillwayError } from './spillway-error.ts'
export { TimerWheel, WheelTimer } from './timer-wheel.ts'
export { RingBuffer } from './ring-buffer.ts'
