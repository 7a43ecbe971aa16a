import { SpillwayError } from '../../operators/index.ts'

/** Something that a store cannot keep, however often it is given; the message says what and why. */
export class UnstorableError extends SpillwayError {
  readonly code = 'unstorable'
}

/** A store is away, or its data is not what it wrote; `cause` is what its client said. The answer is unknown. */
export class StoreError extends SpillwayError {
  readonly code = 'store_failed'
}
