/** Who said a message. */
export type ChatRole = 'system' | 'user' | 'assistant' | 'tool'

/** One message of a conversation. */
export interface ChatMessage {
  readonly role: ChatRole
  readonly content: string
  /** The speaker's name, where several share a role. */
  readonly name?: string
}

/** How a model is to generate; what is absent is left to the model. */
export interface GenerationParameters {
  /** 0 … 2. */
  readonly temperature?: number
  /** 0 … 1. */
  readonly topP?: number
  /** The longest answer in tokens, 1 or more. */
  readonly maxTokens?: number
  /** Texts that end the answer; they are not part of it. */
  readonly stop?: readonly string[]
  /** Makes sampling repeatable, where the model supports it. */
  readonly seed?: number
  /** -2 … 2. */
  readonly frequencyPenalty?: number
  /** -2 … 2. */
  readonly presencePenalty?: number
}

/** What the LLM pipeline is asked: a question (`input`) or a conversation (`messages`), one of the two. */
export interface PromptRequest {
  /** The caller's name for the request; a random one is made when it is absent. */
  readonly id?: string
  /** Requests of one conversation share it. */
  readonly session?: string
  /** A single question: short for one message of the user's. */
  readonly input?: string
  readonly messages?: readonly ChatMessage[]
  /** Carried along for handlers; none of the stages here reads it. */
  readonly priority?: 'low' | 'normal' | 'high'
  /** Milliseconds from submission to the last chunk; afterwards the outcome is `expired`. */
  readonly deadlineMs?: number
  /** The model that is asked for; the worker's default when absent. */
  readonly model?: string
  readonly parameters?: GenerationParameters
  /** The caller's own; carried along, never read. */
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** The request's conversation: its `messages`, or its `input` as one message of the user's. */
export function messagesOf(request: PromptRequest): readonly ChatMessage[] {
  return request.messages ?? [{ role: 'user', content: request.input ?? '' }]
}

/** The text to search documents for: the user's last message. */
export function questionOf(request: PromptRequest): string {
  const last = messagesOf(request).findLast((message) => message.role === 'user')
  return last?.content ?? ''
}
