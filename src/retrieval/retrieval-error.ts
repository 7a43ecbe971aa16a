import { SpillwayError } from '../../operators/index.ts'

/**
 * Documents could not be read, indexed or searched: the message names the file, what is wrong with it and,
 * where there is one, the remedy; `cause` is the error beneath.
 */
export class RetrievalError extends SpillwayError {
  readonly code = 'retrieval_failed'
  /** The index, document or folder that the error is about. */
  readonly path: string
  /** What is wrong with it. */
  readonly problem: string

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path}: ${problem}`, options)
    this.path = path
    this.problem = problem
  }
}
