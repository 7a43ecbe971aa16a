import type { Reply } from '../pipeline/reply.ts'
import type { CompletionChunk, FinishReason } from '../workers/model-worker.ts'
import { type AnswerHead, type OpenAiUsage, openAiUsage } from './chunk-frames.ts'
import { CompletionParts } from '../workers/completion-parts.ts'

/** A `chat.completion`, as OpenAI's clients read it. */
export interface ChatCompletionBody extends AnswerHead {
  readonly object: 'chat.completion'
  readonly choices: readonly [
    {
      readonly index: 0
      readonly message: { readonly role: 'assistant'; readonly content: string; readonly refusal: null }
      readonly logprobs: null
      readonly finish_reason: FinishReason
    },
  ]
  readonly usage?: OpenAiUsage
}

/**
 * Reads an answer to its end and puts it into one body; rejects as the reply's `batches()` do.
 *
 * @param head What the body says of itself.
 */
export async function wholeAnswer(
  reply: Pick<Reply<CompletionChunk>, 'batches'>,
  head: AnswerHead,
): Promise<ChatCompletionBody> {
  const parts = new CompletionParts()
  for await (const chunks of reply.batches()) {
    for (const chunk of chunks) parts.add(chunk)
  }
  const { text: content, finishReason, usage } = parts.completion
  return {
    ...head,
    object: 'chat.completion',
    choices: [
      { index: 0, message: { role: 'assistant', content, refusal: null }, logprobs: null, finish_reason: finishReason },
    ],
    ...(usage !== undefined && { usage: openAiUsage(usage) }),
  }
}
