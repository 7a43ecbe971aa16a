import { Buffer } from 'node:buffer'
import { show } from '../operators/index.ts'
import type { ChatMessage } from './prompt-request.ts'
import { conversationTurns } from './stages/conversation-turns.ts'
import { StoreError } from './stores/store-error.ts'

/** What the session of a chat holds. */
export interface Conversation {
  /** What was said, the oldest first. */
  readonly messages: readonly ChatMessage[]
  /** Turns that were left out, because they were older and there was no room. */
  readonly dropped: number
}

/** One in which nothing was said yet. */
export const emptyConversation: Conversation = { messages: [], dropped: 0 }

/**
 * Appends what was said, and drops the oldest turns, whole, until the rest fits: the newest, too, if it is larger than
 * that by itself.
 *
 * @param said A message of the user's and the answers to it; several turns are several.
 * @param maxBytes Of the conversation as JSON in UTF-8, which is what a session store's `maxBytes` counts.
 */
export function appendTurn(conversation: Conversation, said: readonly ChatMessage[], maxBytes: number): Conversation {
  const messages = [...conversation.messages, ...said]
  const sizes = messages.map((message) => bytesOf(message))
  let bytes = sizes.reduce((sum, size) => sum + size, 0)
  let { dropped } = conversation
  const starts = conversationTurns(messages)
  let first = 0
  for (let turn = 1; turn <= starts.length; turn++) {
    const commas = Math.max(0, messages.length - first - 1)
    if (bytes + commas + bytesOf({ messages: [], dropped }) <= maxBytes) break
    for (const next = starts[turn] ?? messages.length; first < next; first++) bytes -= sizes[first] ?? 0
    dropped += 1
  }
  return { messages: messages.slice(first), dropped }
}

/**
 * The conversation that a session's state is.
 *
 * @param state As a store gave it; `undefined` where there was none.
 * @throws StoreError when it is something else.
 */
export function readConversation(state: unknown): Conversation {
  if (state === undefined) return emptyConversation
  const { messages, dropped } = Object(state) as Partial<Record<keyof Conversation, unknown>>
  if (!Array.isArray(messages) || !Number.isSafeInteger(dropped)) {
    throw new StoreError(`the session's state must be a conversation ({ messages, dropped }), got ${show(state)}`)
  }
  return { messages: messages as readonly ChatMessage[], dropped: dropped as number }
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}
