import type { Observable } from 'rxjs'
import type { Clock } from '../operators/index.ts'
import type { Logger } from './logger.ts'
import type { StageMeter } from './metrics/stage-meter.ts'
import type { RequestSession } from './pipeline/request-session.ts'

/** What a stage's handler is told beside its input; one object for each run of the handler. */
export interface HandlerContext<Request = unknown, State = unknown> {
  /**
   * Aborted when the request is settled from outside (cancelled, expired, timed out, drained) or its stage
   * crashes; never by the handler's own success. Created when first read.
   */
  readonly signal: AbortSignal
  /** The request as it was submitted. */
  readonly request: Request
  /** Carries the request's id and the stage's name. */
  readonly logger: Logger
  readonly clock: Clock
  /** Where a stage counts what it does beside its runs, such as the tokens that a model used. */
  readonly meter: StageMeter
  /** What is stored of the request's `session`; `undefined` where it has none, or the pipeline no `sessions`. */
  readonly session: RequestSession | undefined
  /** 1 for the first run of this request in this stage, 2 after a crash put it back into the channel. */
  readonly attempt: number
  /** What the stage's `setup` returned for this start of the stage; `undefined` without one. */
  readonly state: State
  /**
   * For the source of a stream, asked after each chunk: `undefined` while the reader keeps up, otherwise
   * a promise that resolves when there is room again (or the stream is over). `pulled()` does it for you.
   */
  ready(): Promise<void> | undefined
  /**
   * For what is to be done at the end of a stream: `undefined` when its reader has taken all that was given, otherwise a
   * promise that resolves when it has (or the stream is over).
   */
  taken(): Promise<void> | undefined
}

/**
 * A stage's work. A plain value, an array or a string is the output; a promise is awaited; an Observable
 * is a stream, which travels as one item and is read by the client.
 */
export type Handler<Input, Output, Request = unknown, State = unknown> = (
  input: Input,
  context: HandlerContext<Request, State>,
) => Output

/** What the next stage is given when a handler returns `Output`: promises are awaited, streams stay streams. */
export type StageOutput<Output> =
  Output extends Observable<infer Chunk>
    ? Observable<Chunk>
    : Output extends PromiseLike<infer Value>
      ? StageOutput<Value>
      : Output

/** What a caller reads from a pipeline whose last stage gives `Output`: a stream's chunks, or the value. */
export type ReplyOutput<Output> = Output extends Observable<infer Chunk> ? Chunk : Output
