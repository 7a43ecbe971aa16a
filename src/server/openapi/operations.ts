import type { z } from 'zod'
import { chatRequestSchema } from '../chat-request.ts'
import { completionRequestSchema } from '../completion-request.ts'
import { listQuerySchema, purgeQuerySchema, replayBodySchema } from '../dead-letter-selection.ts'
import { embeddingRequestSchema } from '../embedding-request.ts'
import { promptBodySchema } from '../prompt-body.ts'
import {
  changedLettersSchema,
  chatCompletionSchema,
  completionSchema,
  deadLetterListSchema,
  deadLetterSchema,
  embeddingListSchema,
  modelListSchema,
  modelSchema,
  pipelineSchema,
  statusSchema,
  welcomeSchema,
} from './answers.ts'

/** What a route does, as the document says it. */
export interface Operation {
  readonly summary: string
  /** What may stand in the query. */
  readonly query?: z.ZodType
  /** What is sent as JSON. */
  readonly request?: { readonly schema: z.ZodType; readonly example: unknown }
  /** The status of a good answer; default 200. */
  readonly status?: number
  /** What comes back: JSON of this shape, or text of this type. */
  readonly answer: { readonly json?: z.ZodType; readonly text?: string; readonly says: string }
  /** The statuses of errors beside those that every route may give. */
  readonly errors: readonly number[]
  /** Whether no key is asked for. */
  readonly open?: boolean
}

/** What a request that a pipeline answers may end in. */
const answering = [400, 408, 413, 415, 429, 500, 502, 503, 504]
const question = 'What happens to a request when a channel is full?'

/** Each route of the server, by its method and the framework's pattern of its path. */
export const operations: Readonly<Record<string, Operation>> = {
  'GET /': {
    summary: 'Where to go from here',
    answer: { json: welcomeSchema, says: 'The routes to begin with' },
    errors: [],
  },
  'GET /openapi.json': {
    summary: 'This document',
    answer: { text: 'application/json', says: 'OpenAPI 3.1' },
    errors: [],
  },
  'POST /v1/chat/completions': {
    summary: "Ask, as with OpenAI's API; x-session-id or user names the session",
    request: { schema: chatRequestSchema, example: { messages: [{ role: 'user', content: question }] } },
    answer: {
      json: chatCompletionSchema,
      text: 'text/event-stream',
      says: 'The answer; where stream is true its chunks as server-sent events, the last of which is [DONE]',
    },
    errors: [...answering, 404],
  },
  'POST /v1/completions': {
    summary: "Continue bare texts, as with OpenAI's older API, where a worker can",
    request: { schema: completionRequestSchema, example: { prompt: 'A spillway is' } },
    answer: {
      json: completionSchema,
      text: 'text/event-stream',
      says: 'The texts; where stream is true their pieces as server-sent events, the last of which is [DONE]',
    },
    errors: [...answering, 404],
  },
  'POST /v1/embeddings': {
    summary: 'Make vectors of texts, where a worker can',
    request: { schema: embeddingRequestSchema, example: { input: 'A spillway is' } },
    answer: { json: embeddingListSchema, says: 'A vector for each text' },
    errors: [...answering, 404],
  },
  'POST /v1/stream': {
    summary: 'Ask, and read the answer as numbered events, to which a reader can come back',
    request: { schema: promptBodySchema, example: { input: question } },
    answer: { text: 'text/event-stream', says: 'Chunks, and at the end the outcome, as server-sent events' },
    errors: [...answering, 404, 409],
  },
  'GET /v1/stream/:id': {
    summary: 'Go on after the event that last-event-id names',
    answer: { text: 'text/event-stream', says: 'The events that follow; 204 where the last one has been read' },
    errors: [400, 404, 409, 410],
  },
  'DELETE /v1/stream/:id': {
    summary: 'Cancel a request, and replay its answer no longer',
    status: 204,
    answer: { says: 'It is cancelled, or was over; whoever asks for its stream hears 410 from now on' },
    errors: [404],
  },
  'GET /v1/stream': {
    summary: 'Open a WebSocket for many requests on one connection',
    status: 101,
    answer: { says: 'The connection is a WebSocket from now on' },
    errors: [400, 403, 426],
  },
  'GET /v1/models': {
    summary: 'The models that may be asked for',
    answer: { json: modelListSchema, says: 'All models, the default first' },
    errors: [],
  },
  'GET /v1/models/*': { summary: 'One model', answer: { json: modelSchema, says: 'The model' }, errors: [404] },
  'GET /v1/dead-letters': {
    summary: 'Requests that were not answered and are kept, oldest first',
    query: listQuerySchema,
    answer: { json: deadLetterListSchema, says: 'Those that fit, without their requests; with cursor there are more' },
    errors: [404],
  },
  'GET /v1/dead-letters/:id': {
    summary: 'One of them, with its request',
    answer: { json: deadLetterSchema, says: 'All that is known of it' },
    errors: [404],
  },
  'POST /v1/dead-letters/replay': {
    summary: 'Have them run again: those of these ids, or the first that fit; with cursor there are more',
    request: { schema: replayBodySchema, example: { filter: { stage: 'inference' } } },
    answer: { json: changedLettersSchema, says: 'What became of each' },
    errors: [404, 408, 413, 415],
  },
  'DELETE /v1/dead-letters': {
    summary: 'Delete the first that fit, or with all=true the first of all; with cursor there are more',
    query: purgeQuerySchema,
    answer: { json: changedLettersSchema, says: 'Which are deleted' },
    errors: [404],
  },
  'DELETE /v1/dead-letters/:id': {
    summary: 'Delete one of them',
    status: 204,
    answer: { says: 'It is deleted' },
    errors: [404],
  },
  'GET /v1/pipeline': {
    summary: "The pipelines' topology, live figures and ledgers",
    answer: { json: pipelineSchema, says: 'As it is now' },
    errors: [],
  },
  'GET /metrics': {
    summary: 'Metrics for Prometheus',
    answer: { text: 'text/plain', says: "Prometheus' text format" },
    errors: [],
  },
  'GET /healthz': {
    summary: 'Whether the process is alive',
    answer: { json: statusSchema, says: 'It is' },
    errors: [],
    open: true,
  },
  'GET /readyz': {
    summary: 'Whether requests are taken',
    answer: { json: statusSchema, says: 'They are; 503 while draining or failed' },
    errors: [],
    open: true,
  },
}
