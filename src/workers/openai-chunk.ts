import type { CompletionChunk, FinishReason, ToolCallDelta, Usage } from './model-worker.ts'
import { chatLogprobs, legacyLogprobs } from './openai-logprobs.ts'
import { countOf, listIn, recordOf, textOf } from './wire-values.ts'

/**
 * A frame of a server's chat completion as our chunks, one for each choice in it; nothing where nothing in it is
 * for the reader. Any part of a frame may be absent, null or of a strange kind: what cannot be read is passed over.
 *
 * @param choices How many choices were asked for; others are none of ours.
 */
export function chatChunks(frame: unknown, choices: number): readonly CompletionChunk[] {
  return chunksIn(frame, choices, (choice) => {
    const delta = recordOf(choice['delta'])
    const logprobs = recordOf(choice['logprobs'])
    // DeepSeek, Qwen and vLLM have the first name, OpenRouter and Ollama the second, and some send both.
    const reasoning = textOf(delta['reasoning_content']) ?? textOf(delta['reasoning'])
    const refusal = textOf(delta['refusal'])
    return {
      text: textOf(delta['content']) ?? '',
      ...(reasoning !== undefined && { reasoning }),
      ...(refusal !== undefined && { refusal }),
      ...some('toolCalls', toolCallsIn(delta['tool_calls'])),
      ...some('logprobs', chatLogprobs(logprobs['content'])),
      ...some('refusalLogprobs', chatLogprobs(logprobs['refusal'])),
    }
  })
}

/** As `chatChunks`, for a completion of bare texts, streamed or whole. */
export function textChunks(frame: unknown, choices: number): readonly CompletionChunk[] {
  return chunksIn(frame, choices, (choice) => ({
    text: textOf(choice['text']) ?? '',
    ...some('logprobs', legacyLogprobs(choice['logprobs'])),
  }))
}

type Fields = Readonly<Record<string, unknown>>

function chunksIn(frame: unknown, most: number, read: (choice: Fields) => CompletionChunk): readonly CompletionChunk[] {
  const { choices, usage: counted } = recordOf(frame)
  const chunks: CompletionChunk[] = []
  for (const [place, value] of listIn(choices).entries()) {
    const fields = recordOf(value)
    const choice = countOf(fields['index']) ?? place
    if (choice >= most) continue
    const finishReason = finishReasonOf(fields['finish_reason'])
    const chunk = {
      ...read(fields),
      ...(choice > 0 && { choice }),
      ...(finishReason !== undefined && { finishReason }),
    }
    if (carriesSomething(chunk)) chunks.push(chunk)
  }
  const usage = usageOf(counted)
  if (usage === undefined) return chunks
  const last = chunks.pop() ?? { text: '' }
  return [...chunks, { ...last, usage }]
}

function carriesSomething({ text, choice, ...others }: CompletionChunk): boolean {
  return text !== '' || Object.keys(others).length > 0
}

function some<Name extends string, T>(name: Name, list: readonly T[]): Partial<Record<Name, readonly T[]>> {
  return list.length === 0 ? {} : ({ [name]: list } as Record<Name, readonly T[]>)
}

function toolCallsIn(value: unknown): readonly ToolCallDelta[] {
  return listIn(value).map((call, place) => {
    const { index, id, function: called } = recordOf(call)
    const { name, arguments: written } = recordOf(called)
    return {
      index: countOf(index) ?? place,
      ...(textOf(id) !== undefined && { id: textOf(id) }),
      ...(textOf(name) !== undefined && { name: textOf(name) }),
      // Some servers send what the JSON means instead of the JSON.
      arguments: typeof written === 'object' && written !== null ? JSON.stringify(written) : (textOf(written) ?? ''),
    } as ToolCallDelta
  })
}

function finishReasonOf(reason: unknown): FinishReason | undefined {
  switch (reason) {
    case 'length':
    case 'tool_calls':
    case 'content_filter':
      return reason
    case 'function_call':
      return 'tool_calls'
    default:
      // Servers have names of their own for the end of the text, such as "eos".
      return textOf(reason) === undefined ? undefined : 'stop'
  }
}

function usageOf(value: unknown): Usage | undefined {
  const usage = recordOf(value)
  const promptTokens = countOf(usage['prompt_tokens'])
  const completionTokens = countOf(usage['completion_tokens'])
  if (promptTokens === undefined || completionTokens === undefined) return undefined
  const cachedTokens = countOf(recordOf(usage['prompt_tokens_details'])['cached_tokens'])
  const reasoningTokens = countOf(recordOf(usage['completion_tokens_details'])['reasoning_tokens'])
  return {
    promptTokens,
    completionTokens,
    ...(cachedTokens !== undefined && { cachedTokens }),
    ...(reasoningTokens !== undefined && { reasoningTokens }),
  }
}
