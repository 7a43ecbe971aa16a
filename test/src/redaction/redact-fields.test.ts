import fc from 'fast-check'
import { expect, test } from 'vitest'
import { redactFields } from '../../../src/redaction/redact-fields.ts'
import { redactor } from '../../../src/redaction/redactor.ts'

const { redact } = redactor()
const text = (value: string): string => redact(value)

test('texts are redacted at every depth; names, figures and what lines are counted by stay', () => {
  const fields = {
    session: '4111111111111111',
    stage: 'post',
    durationMs: 4111111111111111,
    ok: true,
    none: null,
    missing: undefined,
    path: '/home/ann@example.org/a.md',
    list: ['ann@example.org', 7, { error: 'from 10.0.0.7' }],
    'ann@example.org': 1,
    code: { code: { text: 'ann@example.org' } },
  }
  expect(redactFields(fields, text)).toEqual({
    ...fields,
    path: '/home/[email]/a.md',
    list: ['[email]', 7, { error: 'from [ip]' }],
    code: { code: { text: '[email]' } },
  })
})

test('ids are texts, because clients choose them; random ones stay as they are', () => {
  expect(redactFields({ request: 'ann@example.org', id: 'x/ann@example.org' }, text)).toEqual({
    request: '[email]',
    id: 'x/[email]',
  })
  fc.assert(
    fc.property(fc.uuid(), fc.nat(99), (request, frame) => {
      const fields = { request, submissionId: request, id: `${request}/${frame}` }
      expect(redactFields(fields, text)).toEqual(fields)
    }),
  )
})

test('a reason is a text: some are one of a few words, others say what went wrong', () => {
  expect(redactFields({ reason: 'full' }, text)).toEqual({ reason: 'full' })
  expect(redactFields({ reason: '/home/ann@example.org/cert.pem cannot be read' }, text)).toEqual({
    reason: '/home/[email]/cert.pem cannot be read',
  })
})

test('errors keep what they are, without personal data', () => {
  const cause = new RangeError('not ann@example.org')
  const error = Object.assign(new TypeError('ann@example.org?', { cause }), { code: 'bad', detail: '10.0.0.7' })
  const { error: redacted } = redactFields({ error }, text) as { error: Record<string, unknown> }
  expect(redacted).toMatchObject({
    name: 'TypeError',
    message: '[email]?',
    code: 'bad',
    detail: '[ip]',
    cause: { name: 'RangeError', message: 'not [email]' },
  })
  expect(redacted['stack']).toContain('[email]?')
  expect(redacted['stack']).not.toContain('ann@example.org')
})

test('what holds itself or lies too deep is left out, and what is no plain object stays', () => {
  const circle: Record<string, unknown> = { text: 'ann@example.org' }
  circle['self'] = circle
  expect(redactFields(circle, text)).toEqual({ text: '[email]', self: '[left out]' })

  let deep: object = { text: 'ann@example.org' }
  for (let level = 0; level < 1000; level++) deep = { deep }
  expect(JSON.stringify(redactFields(deep, text))).toBe(`${'{"deep":'.repeat(8)}"[left out]"${'}'.repeat(8)}`)

  const when = new Date(0)
  expect(redactFields({ when }, text)).toEqual({ when })
})

test('the same object twice is no circle', () => {
  const shared = { text: 'ann@example.org' }
  expect(redactFields({ one: shared, other: shared }, text)).toEqual({
    one: { text: '[email]' },
    other: { text: '[email]' },
  })
})

test('whatever is given, nothing is changed in place and nothing is thrown', () => {
  fc.assert(
    fc.property(fc.object({ maxDepth: 4 }), (fields) => {
      const before = structuredClone(fields)
      redactFields(fields, () => '')
      expect(fields).toEqual(before)
    }),
  )
})
