import type { GenerationParameters } from './generation-parameters.ts'

/** Who said a message. */
export type ChatRole = 'system' | 'user' | 'assistant' | 'tool'

/** A call of a tool that a model has asked its caller to make. */
export interface ToolCall {
  /** What the tool's answer refers to. */
  readonly id: string
  /** The tool's name. */
  readonly name: string
  /** JSON, as the model wrote it: it may be invalid. */
  readonly arguments: string
}

/** One message of a conversation. */
export interface ChatMessage {
  readonly role: ChatRole
  /** Empty only for an assistant that called tools, or a tool that had nothing to say. */
  readonly content: string
  /** The speaker's name, where several share a role. */
  readonly name?: string
  /** Of an assistant: what it called instead of answering, or beside it. */
  readonly toolCalls?: readonly ToolCall[]
  /** Of a tool, which must say it: the call that it answers. */
  readonly toolCallId?: string
  /** Of an assistant: what it said to itself before, for models that want to see it again. */
  readonly reasoning?: string
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
  /** What is higher starts first where requests wait; `'normal'` when absent. It lets nobody in at a full door. */
  readonly priority?: 'low' | 'normal' | 'high'
  /** Milliseconds from submission to the last chunk; afterwards the outcome is `expired`. */
  readonly deadlineMs?: number
  /** The model that is asked for; the worker's default when absent. */
  readonly model?: string
  readonly parameters?: GenerationParameters
  /** The caller's own; carried along, never read. */
  readonly metadata?: Readonly<Record<string, unknown>>
}

const priorities: Readonly<Record<NonNullable<PromptRequest['priority']>, number>> = { low: -1, normal: 0, high: 1 }

/** The request's `priority` as a number: -1, 0 or 1. What is none of the three counts as `'normal'`. */
export function priorityOf(request: PromptRequest | null): number {
  // Whatever was submitted: what is no request is refused by the first stage, in words that fit.
  const { priority = 'normal' } = (typeof request === 'object' ? request : null) ?? {}
  return Object.hasOwn(priorities, priority) ? priorities[priority] : 0
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
