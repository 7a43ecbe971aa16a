import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJsonBody } from '../../../src/server/json-body.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** How deep a value is nested, counted on the value itself. */
function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

test('any JSON that is not too deep is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (json) => {
      const value: unknown = JSON.parse(json)
      expect(parseJsonBody(bytes(json), depthOf(value))).toEqual({ ok: true, value })
    }),
  )
})

test('JSON one level deeper than the limit is refused, whatever its strings hold', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (json) => {
      const depth = depthOf(JSON.parse(json))
      fc.pre(depth > 0)
      const result = parseJsonBody(bytes(json), depth - 1)
      expect(result).toMatchObject({ ok: false, refusal: { status: 400, code: 'json_too_deep' } })
    }),
  )
})

test.each([
  ['nothing', ''],
  ['half an object', '{"a":'],
  ['an unclosed string', '"abc\\'],
  ['two values', '1 2'],
])('%s is refused without quoting it', (_name, text) => {
  const result = parseJsonBody(bytes(text), 8)
  expect(result).toMatchObject({ ok: false, refusal: { status: 400, code: 'invalid_json', param: null } })
})

test.each([
  ['{"a": 1 "b": 2}', 'the body is not valid JSON: what is wrong is at position 8'],
  ['[1] 2', 'the body is not valid JSON: what is wrong is at position 4'],
  ['["in JSON at position 1" }', 'the body is not valid JSON: what is wrong is at position 25'],
  ['[} "in JSON at position 1"]', 'the body is not valid JSON'],
])('%j is refused with the place, where the parser knows it', (text, message) => {
  const result = parseJsonBody(bytes(text), 8)
  expect(result).toMatchObject({ refusal: { message } })
})

test('bytes that are not UTF-8 are refused instead of being replaced', () => {
  const body = new Uint8Array([0x22, 0xff, 0x22])
  expect(parseJsonBody(body, 8)).toMatchObject({ ok: false, refusal: { message: 'the body is not valid UTF-8' } })
})

test('a million brackets are refused before anything is built', () => {
  expect(parseJsonBody(bytes('['.repeat(1_000_000)), 32)).toMatchObject({
    ok: false,
    refusal: { code: 'json_too_deep' },
  })
})
