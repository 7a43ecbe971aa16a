import { z } from 'zod'
import type { StageState } from '../../pipeline/running.ts'

const head = { id: z.string(), created: z.int(), model: z.string() }
const usage = z.strictObject({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() })
const finishReason = z.string().meta({ description: 'e.g. stop, length, content_filter or tool_calls' })
const logprobs = z.record(z.string(), z.unknown()).nullable()
const toolCall = z.strictObject({
  id: z.string(),
  type: z.literal('function'),
  function: z.strictObject({ name: z.string(), arguments: z.string() }),
})
const toolCallDelta = z.strictObject({
  index: z.int(),
  id: z.string().optional(),
  type: z.literal('function').optional(),
  function: z.strictObject({ name: z.string().optional(), arguments: z.string() }),
})

/** A whole answer of a chat. */
export const chatCompletionSchema: z.ZodType = z.strictObject({
  ...head,
  object: z.literal('chat.completion'),
  choices: z.array(
    z.strictObject({
      index: z.int(),
      message: z.strictObject({
        role: z.literal('assistant'),
        content: z.string().nullable(),
        refusal: z.string().nullable(),
        reasoning_content: z.string().optional(),
        tool_calls: z.array(toolCall).optional(),
      }),
      logprobs,
      finish_reason: finishReason,
    }),
  ),
  usage: usage.optional(),
})

/** What each event of a streamed answer holds, but for the last, which is `[DONE]`. */
export const chatChunkSchema: z.ZodType = z.strictObject({
  ...head,
  object: z.literal('chat.completion.chunk'),
  choices: z.array(
    z.strictObject({
      index: z.int(),
      delta: z.strictObject({
        role: z.literal('assistant').optional(),
        content: z.string().optional(),
        reasoning_content: z.string().optional(),
        refusal: z.string().optional(),
        tool_calls: z.array(toolCallDelta).optional(),
      }),
      logprobs: logprobs.optional(),
      finish_reason: finishReason.nullable(),
    }),
  ),
  usage: usage.nullable().optional(),
})

/** Whole answers of bare texts. */
export const completionSchema: z.ZodType = z.strictObject({
  ...head,
  object: z.literal('text_completion'),
  choices: z.array(
    z.strictObject({ index: z.int(), text: z.string(), logprobs, finish_reason: finishReason.nullable() }),
  ),
  usage: usage.optional(),
})

/** The vectors of texts, as numbers or as the base64 of little-endian 32-bit floats. */
export const embeddingListSchema: z.ZodType = z.strictObject({
  object: z.literal('list'),
  data: z.array(
    z.strictObject({
      object: z.literal('embedding'),
      index: z.int(),
      embedding: z.union([z.array(z.number()), z.string()]),
    }),
  ),
  model: z.string(),
  usage: z.strictObject({ prompt_tokens: z.int(), total_tokens: z.int() }).optional(),
})

/** A model that may be asked for. */
export const modelSchema: z.ZodType = z.strictObject({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
})

/** The models that may be asked for. */
export const modelListSchema: z.ZodType = z.strictObject({ object: z.literal('list'), data: z.array(modelSchema) })

const storeState = z.enum(['ready', 'away'])

/** What `GET /healthz` and `GET /readyz` say while all is well. */
export const statusSchema: z.ZodType = z.strictObject({
  status: z.enum(['alive', 'ready']),
  stores: z
    .strictObject({ deadLetters: storeState.exactOptional(), sessions: storeState.exactOptional() })
    .exactOptional(),
})

const count = z.int().min(0)

const stageStates = [
  'starting',
  'running',
  'paused',
  'backing-off',
  'draining',
  'stopping',
  'stopped',
  'failed',
] as const satisfies readonly StageState[]

const pipelineFigures = {
  name: z.string(),
  state: z.enum(['running', 'draining', 'stopped', 'failed']),
  stages: z.record(
    z.string(),
    z.looseObject({
      // Units may be fractions, where the stage weighs its requests.
      queueDepth: z.number().min(0),
      capacity: count,
      pending: count,
      running: count,
      concurrency: count,
      state: z.enum(stageStates),
      restarts: count,
      failedChecks: count,
      failedTeardowns: count,
      shed: count,
      processed: count,
      abandoned: count,
    }),
  ),
  ledger: z.strictObject({
    submitted: count,
    completed: count,
    shed: count,
    failed: count,
    expired: count,
    cancelled: count,
    inFlight: count,
  }),
  deadLetters: z.strictObject({
    selected: count,
    pending: count,
    stored: count,
    duplicate: count,
    conflict: count,
    full: count,
    dropped: count,
  }),
}

const storeFigures = z.union([
  z.strictObject({ state: z.literal('away') }),
  z.strictObject({
    state: z.literal('ready'),
    due: count,
    leased: count,
    dead: count,
    bytes: count,
    totals: z.strictObject({
      stored: count,
      rejected: count,
      acked: count,
      died: count,
      replayed: count,
      evicted: count,
      expired: count,
      purged: count,
      orphaned: count,
    }),
  }),
])

/** The pipeline of chats, as it was defined, its stages' figures, its ledger and its dead letters; then the figures of those beside it. */
export const pipelineSchema: z.ZodType = z.strictObject({
  ...pipelineFigures,
  topology: z.unknown().optional(),
  deadLetterStore: storeFigures.exactOptional(),
  sessionStore: z.strictObject({ state: storeState }).exactOptional(),
  pipelines: z.array(z.strictObject(pipelineFigures)),
})

const letterHead = {
  submissionId: z.string(),
  id: z.string().exactOptional(),
  pipeline: z.string(),
  stage: z.string(),
  kind: z.enum(['shed', 'failed', 'expired']),
  reason: z.string(),
  error: z.string().exactOptional(),
  session: z.string().exactOptional(),
  firstSeenAt: z.number(),
  lastSeenAt: z.number(),
  state: z.enum(['due', 'leased', 'dead']),
  stateAt: z.number(),
  attempts: count,
  epoch: count,
  replays: count,
  unreadable: z.string().exactOptional(),
}

const spooled = count
  .describe('Besides, so many wait in the data folder until they are moved to Redis; no filter finds them')
  .exactOptional()

/** A request that was not answered, without the request itself. */
export const deadLetterListSchema: z.ZodType = z.strictObject({
  entries: z.array(z.strictObject(letterHead)),
  cursor: z.string().exactOptional(),
  spooled,
})

/** The same with the request, where it can be read. */
export const deadLetterSchema: z.ZodType = z.strictObject({ ...letterHead, request: z.unknown().optional() })

/** What became of each entry that was to be replayed or purged. */
export const changedLettersSchema: z.ZodType = z.strictObject({
  results: z.array(
    z.strictObject({
      submissionId: z.string(),
      result: z.enum(['replayed', 'due', 'leased', 'acked', 'purged', 'unknown']),
    }),
  ),
  cursor: z.string().exactOptional(),
  spooled,
})

/** Where to go from `GET /`. */
export const welcomeSchema: z.ZodType = z.strictObject({
  service: z.literal('spillway'),
  openapi: z.string(),
  chat: z.string(),
  models: z.string(),
  health: z.string(),
})

/** An error on the routes that OpenAI's clients call. */
export const openAiErrorSchema: z.ZodType = z.strictObject({
  error: z.strictObject({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string(),
  }),
})

/** An error on the other routes, by RFC 9457. */
export const problemSchema: z.ZodType = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
})
