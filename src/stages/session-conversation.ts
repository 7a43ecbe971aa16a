import { appendTurn, type Conversation, emptyConversation, readConversation } from '../conversation.ts'
import { type ChatMessage, messagesOf, type PromptRequest } from '../prompt-request.ts'

/** What a session's state says was said before, as a prompt can hold it. */
export function saidBefore(state: unknown): readonly ChatMessage[] {
  return withoutOpenCalls(readConversation(state)).messages
}

/** Whether a request says itself what was said before: then its session is not asked. */
export function bringsHistory(request: PromptRequest): boolean {
  return messagesOf(request).some(({ role }) => role === 'assistant' || role === 'tool')
}

/**
 * A session's state once a request has been answered: what was asked and the answer stand behind what was said before,
 * or in its place, where the request has brought that itself.
 *
 * @param state As it was before.
 */
export function conversationAfter(
  state: unknown,
  request: PromptRequest,
  answer: ChatMessage,
  maxBytes: number,
): { readonly conversation: Conversation; readonly newlyDropped: number } {
  const before = bringsHistory(request) ? emptyConversation : withoutOpenCalls(readConversation(state))
  const asked = messagesOf(request).filter(({ role }) => role !== 'system')
  const conversation = appendTurn(before, [...asked, answer], maxBytes)
  return { conversation, newlyDropped: conversation.dropped - before.dropped }
}

/** Models refuse a conversation that goes on behind calls which nobody has answered. */
function withoutOpenCalls(conversation: Conversation): Conversation {
  const last = conversation.messages.at(-1)
  if (last?.toolCalls === undefined) return conversation
  const { toolCalls: _, ...said } = last
  const messages = conversation.messages.slice(0, -1)
  return { ...conversation, messages: said.content === '' ? messages : [...messages, said] }
}
