import type { ChatMessage } from '../prompt-request.ts'

/**
 * Cuts a conversation into turns: each begins with a message of the user's and holds the answers to it, so that a call
 * of a tool stays together with its result. What comes before the user's first message is a turn, too.
 *
 * @returns The index of each turn's first message; none where there are no messages.
 */
export function conversationTurns(messages: readonly ChatMessage[]): readonly number[] {
  const starts: number[] = []
  messages.forEach(({ role }, index) => {
    if (index === 0 || role === 'user') starts.push(index)
  })
  return starts
}
