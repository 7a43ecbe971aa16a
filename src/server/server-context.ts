import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../operators/index.ts'
import type { TextRequest } from '../completions-pipeline.ts'
import type { VectorsRequest } from '../embeddings-pipeline.ts'
import type { Running } from '../pipeline/running.ts'
import type { PromptRequest } from '../prompt-request.ts'
import type { Embeddings } from '../workers/embeddings.ts'
import type { CompletionChunk, ModelInfo } from '../workers/model-worker.ts'
import type { Exchange } from './exchange.ts'
import type { ServerLimits } from './limits.ts'
import type { Refusal } from './refusal.ts'
import type { RequestLog } from './request-log.ts'

/** A pipeline that the server can serve: prompts in, a stream of chunks out. */
export type ServedPipeline = Running<PromptRequest, CompletionChunk>

/** A pipeline of text completions that the server can serve. */
export type ServedCompletions = Running<TextRequest, CompletionChunk>

/** A pipeline of embeddings that the server can serve. */
export type ServedEmbeddings = Running<VectorsRequest, Embeddings>

/** What the routes share. */
export interface ServerContext {
  readonly running: ServedPipeline
  readonly models: readonly ModelInfo[]
  readonly clock: Clock
  readonly limits: Required<ServerLimits>
  readonly deadlineMs: number | undefined
  readonly heartbeatMs: number
  /** Where it is told how requests ended. */
  readonly log: RequestLog
  /** What is remembered of a request. */
  readonly exchangeOf: (request: FastifyRequest) => Exchange
  /** Whose request it is: the digest of its API key; empty where the server asks for none. */
  readonly callerOf: (request: FastifyRequest) => string
  /** Logs where the server itself failed, if it did, and says what its client is told. */
  readonly reportFault: (request: FastifyRequest, error: unknown) => Refusal
  /** Answers with a refusal, in the shape that belongs to the request's path. */
  readonly refuse: (reply: FastifyReply, refusal: Refusal) => FastifyReply
}
