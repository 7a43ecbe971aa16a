import { SpillwayError } from '../../operators/index.ts'

/** What is known about a failed call beside its message. */
export interface WorkerErrorDetails {
  /** The HTTP status that the model's server answered with, where it answered. */
  readonly status?: number | undefined
  /** The code with which the model's server refused, e.g. `'model_not_found'`, where it gave one. */
  readonly serverCode?: string | undefined
  /** How long the model's server asks its callers to stay away. */
  readonly retryAfterMs?: number | undefined
  /** Whether it took too long; default `false`. */
  readonly timedOut?: boolean
  /** Whether it answered with something that is not OpenAI's API's; default `false`. */
  readonly unreadable?: boolean
  /** What lay beneath; left out where it holds a secret. */
  readonly cause?: unknown
}

/** A model could not be reached, refused the call, or broke off its answer. Its message never holds the API key. */
export class WorkerError extends SpillwayError {
  override readonly code = 'worker_failed'
  /** The name of the worker that failed. */
  readonly worker: string
  /** What went wrong, in the words of the model's server where there are any, without the worker's name. */
  readonly reason: string
  readonly status: number | undefined
  readonly serverCode: string | undefined
  readonly retryAfterMs: number | undefined
  readonly timedOut: boolean
  readonly unreadable: boolean

  constructor(worker: string, message: string, details: WorkerErrorDetails = {}) {
    super(`worker ${JSON.stringify(worker)}: ${message}`, details.cause === undefined ? {} : { cause: details.cause })
    this.worker = worker
    this.reason = message
    this.status = details.status
    this.serverCode = details.serverCode
    this.retryAfterMs = details.retryAfterMs
    this.timedOut = details.timedOut ?? false
    this.unreadable = details.unreadable ?? false
  }
}
