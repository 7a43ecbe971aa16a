import { SpillwayError } from '../../operators/index.ts'

/** What is known about a failed call beside its message. */
export interface WorkerErrorDetails {
  /** The HTTP status that the model's server answered with, where it answered. */
  readonly status?: number | undefined
  /** What lay beneath; left out where it holds a secret. */
  readonly cause?: unknown
}

/** A model could not be reached, refused the call, or broke off its answer. Its message never holds the API key. */
export class WorkerError extends SpillwayError {
  override readonly code = 'worker_failed'
  /** The name of the worker that failed. */
  readonly worker: string
  readonly status: number | undefined

  constructor(worker: string, message: string, details: WorkerErrorDetails = {}) {
    super(`worker ${JSON.stringify(worker)}: ${message}`, details.cause === undefined ? {} : { cause: details.cause })
    this.worker = worker
    this.status = details.status
  }
}
