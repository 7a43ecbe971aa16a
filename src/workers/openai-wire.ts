import type { ChatCompletionCreateParamsStreaming, ChatCompletionMessageParam } from 'openai/resources/chat/completions'
import type { CompletionChunk, FinishReason, Prompt, Usage } from './model-worker.ts'

/** The field that limits the answer's length: the newer OpenAI models refuse the older one, local servers know it. */
export type MaxTokensField = 'max_tokens' | 'max_completion_tokens'

/** A prompt as the body of a streaming chat completion. */
export function toRequestBody(
  prompt: Prompt,
  model: string,
  maxTokensField: MaxTokensField,
): ChatCompletionCreateParamsStreaming {
  const { temperature, topP, maxTokens, stop, seed, frequencyPenalty, presencePenalty } = prompt.parameters ?? {}
  return {
    model,
    messages: prompt.messages.map(
      ({ role, content, name }) =>
        // A tool's message needs its call's id with OpenAI, which our messages do not have; local servers do not ask.
        ({ role, content, ...(name !== undefined && { name }) }) as ChatCompletionMessageParam,
    ),
    stream: true,
    stream_options: { include_usage: true },
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(maxTokens !== undefined && { [maxTokensField]: maxTokens }),
    ...(stop !== undefined && stop.length > 0 && { stop: [...stop] }),
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- OpenAI's name is going; vLLM, llama.cpp and Ollama keep it
    ...(seed !== undefined && { seed }),
    ...(frequencyPenalty !== undefined && { frequency_penalty: frequencyPenalty }),
    ...(presencePenalty !== undefined && { presence_penalty: presencePenalty }),
  }
}

/** A chunk as servers really send it: any part of it may be absent or null. */
interface WireChunk {
  readonly choices?: readonly (WireChoice | null)[] | null
  readonly usage?: { readonly prompt_tokens?: unknown; readonly completion_tokens?: unknown } | null
}

interface WireChoice {
  readonly delta?: { readonly content?: unknown; readonly refusal?: unknown } | null
  readonly finish_reason?: unknown
}

/** A server's chunk as ours; `undefined` when there is nothing in it for the reader. */
export function fromWireChunk(wire: unknown): CompletionChunk | undefined {
  if (typeof wire !== 'object' || wire === null) return undefined
  const { choices, usage: counted } = wire as WireChunk
  const choice = Array.isArray(choices) ? (choices[0] as WireChoice | null | undefined) : undefined
  const text = [choice?.delta?.content, choice?.delta?.refusal].find((value) => typeof value === 'string') ?? ''
  const finishReason = toFinishReason(choice?.finish_reason)
  const usage = toUsage(counted)
  if (text === '' && finishReason === undefined && usage === undefined) return undefined
  return { text, ...(finishReason !== undefined && { finishReason }), ...(usage !== undefined && { usage }) }
}

function toFinishReason(reason: unknown): FinishReason | undefined {
  switch (reason) {
    case 'length':
    case 'tool_calls':
    case 'content_filter':
      return reason
    case 'function_call':
      return 'tool_calls'
    default:
      // Servers have names of their own for the end of the text, such as "eos".
      return typeof reason === 'string' && reason !== '' ? 'stop' : undefined
  }
}

function toUsage(usage: WireChunk['usage']): Usage | undefined {
  const promptTokens = usage?.prompt_tokens
  const completionTokens = usage?.completion_tokens
  if (!isCount(promptTokens) || !isCount(completionTokens)) return undefined
  return { promptTokens, completionTokens }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
}
