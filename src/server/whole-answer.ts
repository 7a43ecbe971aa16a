import type { Reply } from '../pipeline/reply.ts'
import type { Completion, CompletionChoice, CompletionChunk, FinishReason } from '../workers/model-worker.ts'
import { CompletionParts } from '../workers/completion-parts.ts'
import type { AnswerHead } from './chunk-frames.ts'
import { type OpenAiLogprobs, openAiLogprobs } from './openai-logprobs.ts'
import { type OpenAiUsage, openAiUsage } from './openai-usage.ts'

/** A `chat.completion`, as OpenAI's clients read it. */
export interface ChatCompletionBody extends AnswerHead {
  readonly object: 'chat.completion'
  readonly choices: readonly {
    readonly index: number
    readonly message: {
      readonly role: 'assistant'
      /** `null` where there is something else instead of a text. */
      readonly content: string | null
      readonly refusal: string | null
      readonly reasoning_content?: string
      readonly tool_calls?: readonly OpenAiToolCall[]
    }
    readonly logprobs: OpenAiLogprobs | null
    readonly finish_reason: FinishReason
  }[]
  readonly usage?: OpenAiUsage
}

interface OpenAiToolCall {
  readonly id: string
  readonly type: 'function'
  readonly function: { readonly name: string; readonly arguments: string }
}

/**
 * Reads an answer to its end and puts it together; rejects as the reply's `batches()` do. Where it cannot be put
 * together it rejects, too, and leaves the request to its caller, which would otherwise hear that its reader stopped.
 */
export async function readWhole(reply: Pick<Reply<CompletionChunk>, 'batches'>): Promise<Completion> {
  const parts = new CompletionParts()
  const batches = reply.batches()
  for (let batch = await batches.next(); batch.done !== true; batch = await batches.next()) {
    for (const chunk of batch.value) parts.add(chunk)
  }
  return parts.completion
}

/** The choices of a whole answer, in their order. */
export function choicesOf({ alternatives = [], ...first }: Completion): readonly CompletionChoice[] {
  return [first, ...alternatives]
}

/**
 * A whole answer in one body.
 *
 * @param head What the body says of itself.
 */
export function chatCompletion(completion: Completion, head: AnswerHead): ChatCompletionBody {
  const { usage } = completion
  return {
    ...head,
    object: 'chat.completion',
    choices: choicesOf(completion).map((choice, index) => ({
      index,
      message: messageOf(choice),
      logprobs: openAiLogprobs(choice),
      finish_reason: choice.finishReason,
    })),
    ...(usage !== undefined && { usage: openAiUsage(usage) }),
  }
}

function messageOf(choice: CompletionChoice): ChatCompletionBody['choices'][number]['message'] {
  const { text, refusal, reasoning, toolCalls } = choice
  return {
    role: 'assistant',
    content: text === '' && (toolCalls !== undefined || refusal !== undefined) ? null : text,
    refusal: refusal ?? null,
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(toolCalls !== undefined && {
      tool_calls: toolCalls.map(({ id, name, arguments: written }) => ({
        id,
        type: 'function' as const,
        function: { name, arguments: written },
      })),
    }),
  }
}
