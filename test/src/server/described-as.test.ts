import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { chatMessage } from '../../../src/server/chat-message.ts'
import { textInput } from '../../../src/server/text-input.ts'

/** The schema that the document has of one that checks. */
function documented(schema: z.ZodType): z.ZodType {
  return z.fromJSONSchema(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))
}

const token = fc.oneof(fc.nat(), fc.constantFrom(-1, 1.5, 2 ** 31, 2 ** 31 - 1))
const tokens = fc.array(token, { maxLength: 3 })
const texts = fc.array(fc.oneof(fc.string(), tokens, token, fc.constant(null)), { maxLength: 4 })

test('what is taken as texts or tokens is what the document says, and nothing else', () => {
  const schema = documented(textInput)
  fc.assert(
    fc.property(fc.oneof(fc.string(), tokens, texts, fc.jsonValue()), (value) => {
      expect(schema.safeParse(value).success).toBe(textInput.safeParse(value).success)
    }),
  )
  for (const [length, taken] of [
    [2048, true],
    [2049, false],
  ] as const) {
    const many = Array.from({ length }, () => 'x')
    expect([schema.safeParse(many).success, textInput.safeParse(many).success]).toEqual([taken, taken])
  }
})

test("what is taken as a message's content is what the document says, and nothing else", () => {
  const schema = documented(chatMessage)
  const part = fc.oneof(
    fc.record({
      type: fc.constantFrom('text', 'refusal', 'image_url'),
      text: fc.oneof(fc.string(), fc.constant(1)),
      refusal: fc.string(),
    }),
    fc.jsonValue(),
  )
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.array(part, { maxLength: 3 }), fc.jsonValue()), (content) => {
      // What stands in for a content that is null.
      const message = { role: 'user', content, refusal: 'no' }
      expect(schema.safeParse(message).success).toBe(chatMessage.safeParse(message).success)
    }),
  )
})
