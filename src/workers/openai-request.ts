import type { GenerationParameters, ResponseFormat, ToolChoice, ToolDefinition } from '../generation-parameters.ts'
import type { ChatMessage } from '../prompt-request.ts'
import type { EmbeddingRequest } from './embeddings.ts'
import type { Prompt } from './model-worker.ts'
import type { TextPrompt } from './text-prompt.ts'

/** The field that limits the answer's length: the newer OpenAI models refuse the older one, local servers know it. */
export type MaxTokensField = 'max_tokens' | 'max_completion_tokens'

type Body = Readonly<Record<string, unknown>>

/** A prompt as the body of a streaming chat completion. */
export function chatBody(prompt: Prompt, model: string, maxTokensField: MaxTokensField): Body {
  const parameters = prompt.parameters ?? {}
  const { maxTokens, tools, toolChoice, parallelToolCalls, responseFormat } = parameters
  const { logprobs, topLogprobs, reasoningEffort } = parameters
  // An empty list is refused by some servers, and a choice without tools by others.
  const withTools = tools !== undefined && tools.length > 0
  return {
    ...parameters.extra,
    model,
    messages: prompt.messages.map(wireMessage),
    stream: true,
    stream_options: { include_usage: true },
    ...samplingOf(parameters),
    ...(maxTokens !== undefined && { [maxTokensField]: maxTokens }),
    ...(withTools && { tools: tools.map(wireTool) }),
    ...(withTools && toolChoice !== undefined && { tool_choice: wireToolChoice(toolChoice) }),
    ...(withTools && parallelToolCalls !== undefined && { parallel_tool_calls: parallelToolCalls }),
    ...(responseFormat !== undefined && { response_format: wireFormat(responseFormat) }),
    ...(logprobs !== undefined && { logprobs }),
    ...(topLogprobs !== undefined && logprobs === true && { top_logprobs: topLogprobs }),
    ...(reasoningEffort !== undefined && { reasoning_effort: reasoningEffort }),
  }
}

/** Bare texts as the body of a completion. */
export function completionBody(prompt: TextPrompt, model: string): Body {
  const { prompts, suffix, echo, bestOf, parameters = {} } = prompt
  const { maxTokens, logprobs, topLogprobs } = parameters
  const stream = canStream(prompt)
  return {
    ...parameters.extra,
    model,
    prompt: prompts.length === 1 ? prompts[0] : prompts,
    stream,
    ...(stream && { stream_options: { include_usage: true } }),
    ...samplingOf(parameters),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(suffix !== undefined && { suffix }),
    ...(echo !== undefined && { echo }),
    ...(bestOf !== undefined && { best_of: bestOf }),
    // Here it is a number, and 0 asks for the tokens' own.
    ...(logprobs === true && { logprobs: topLogprobs ?? 0 }),
  }
}

/** Which answers are the best is known when all are there: no server streams them. */
export function canStream({ bestOf, parameters }: TextPrompt): boolean {
  return bestOf === undefined || bestOf <= (parameters?.n ?? 1)
}

/** Texts as the body of a request for their vectors. */
export function embeddingBody({ input, dimensions, extra }: EmbeddingRequest, model: string): Body {
  return {
    ...extra,
    model,
    input,
    encoding_format: 'float',
    ...(dimensions !== undefined && { dimensions }),
  }
}

function samplingOf(parameters: GenerationParameters): Body {
  const { temperature, topP, stop, seed, frequencyPenalty, presencePenalty, n, logitBias } = parameters
  return {
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(stop !== undefined && stop.length > 0 && { stop }),
    ...(seed !== undefined && { seed }),
    ...(frequencyPenalty !== undefined && { frequency_penalty: frequencyPenalty }),
    ...(presencePenalty !== undefined && { presence_penalty: presencePenalty }),
    ...(n !== undefined && { n }),
    ...(logitBias !== undefined && { logit_bias: logitBias }),
  }
}

function wireMessage({ role, content, name, toolCalls, toolCallId, reasoning }: ChatMessage): Body {
  const calls = toolCalls !== undefined && toolCalls.length > 0 ? toolCalls : undefined
  return {
    role,
    // Templates of models tell "said nothing" from "said an empty text".
    content: content === '' && calls !== undefined ? null : content,
    ...(name !== undefined && { name }),
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(calls !== undefined && {
      tool_calls: calls.map((call) => ({
        id: call.id,
        type: 'function',
        function: { name: call.name, arguments: call.arguments },
      })),
    }),
    ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
  }
}

function wireTool(tool: ToolDefinition): Body {
  const { name, description, parameters, strict } = tool
  return {
    type: 'function',
    function: {
      name,
      ...(description !== undefined && { description }),
      ...(parameters !== undefined && { parameters }),
      ...(strict !== undefined && { strict }),
    },
  }
}

function wireToolChoice(choice: ToolChoice): unknown {
  return typeof choice === 'string' ? choice : { type: 'function', function: { name: choice.name } }
}

function wireFormat({ type, name, description, schema, strict }: ResponseFormat): Body {
  if (type !== 'json_schema') return { type }
  return {
    type,
    json_schema: {
      name,
      ...(description !== undefined && { description }),
      ...(schema !== undefined && { schema }),
      ...(strict !== undefined && { strict }),
    },
  }
}
