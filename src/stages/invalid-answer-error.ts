import { SpillwayError } from '../../operators/index.ts'

/** A model's answer is not what was asked for: no JSON, or JSON that does not fit the schema. Does not quote it. */
export class InvalidAnswerError extends SpillwayError {
  override readonly code = 'invalid_answer'
}
