import { expect, test } from 'vitest'
import { checkChatRequest } from '../../../src/server/chat-request.ts'
import { cutName } from '../../../src/server/cut-name.ts'
import { checkPromptRequest } from '../../../src/server/prompt-body.ts'
import { checkFrame } from '../../../src/server/socket-frames.ts'

const long = 'k'.repeat(100_000)
const cut = `${'k'.repeat(80)}…`
const rules = {
  models: [{ id: 'm', provider: 'test', models: ['echo'], capabilities: ['chat', 'stream'] }],
  promptChars: 100,
  deadlineMs: undefined,
} as const
const many = Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`x${index}`, 1]))

test.each([
  ['short', 'short'],
  ['k'.repeat(80), 'k'.repeat(80)],
  ['k'.repeat(81), cut],
  [`${'k'.repeat(79)}😀`, `${'k'.repeat(79)}\ufffd…`],
])('%j is told as %j', (name, told) => {
  expect(cutName(name)).toBe(told)
})

test.each([
  ['a field of a prompt request', checkPromptRequest({ input: 'x', [long]: 1 }, rules), cut],
  ['a field within one', checkPromptRequest({ input: 'x', parameters: { [long]: 1 } }, rules), `parameters.${cut}`],
  ['a field of a frame', checkFrame({ type: 'cancel', id: 'a', [long]: 1 }), cut],
  [
    'the field of a chat completion that is one too many',
    checkChatRequest({ model: 'echo', messages: [{ role: 'user', content: 'x' }], ...many, [long]: 1 }, rules),
    cut,
  ],
])('%s that is not allowed is named in short, however long its name', (_what, checked, param) => {
  const refusal = checked.ok ? undefined : checked.refusal
  expect(refusal).toMatchObject({ status: 400, param })
  expect(refusal!.message.length).toBeLessThan(400)
})
