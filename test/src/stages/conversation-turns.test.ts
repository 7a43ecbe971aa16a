import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ChatMessage, ChatRole } from '../../../src/prompt-request.ts'
import { conversationTurns } from '../../../src/stages/conversation-turns.ts'

const conversation = (...roles: readonly ChatRole[]): readonly ChatMessage[] =>
  roles.map((role) => ({ role, content: '' }))

test.each([
  [[], []],
  [['user'], [0]],
  [
    ['assistant', 'user', 'assistant'],
    [0, 1],
  ],
  [
    ['user', 'assistant', 'tool', 'assistant', 'user'],
    [0, 4],
  ],
  [
    ['user', 'user'],
    [0, 1],
  ],
  [['assistant', 'tool'], [0]],
] as const)('%j', (roles, starts) => {
  expect(conversationTurns(conversation(...roles))).toEqual(starts)
})

test('a tool’s result is in the turn of its call, and the user’s last message begins the last turn', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom<ChatRole>('user', 'assistant', 'tool')), (roles) => {
      const starts = conversationTurns(conversation(...roles))
      starts.slice(1).forEach((start) => {
        expect(roles[start]).toBe('user')
      })
      const last = roles.lastIndexOf('user')
      if (last > -1) expect(starts.at(-1)).toBe(last)
    }),
  )
})
