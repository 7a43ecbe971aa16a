import { expect, test } from 'vitest'
import { checkJsonSchema } from '../../src/json-schema.ts'
import { toolFault } from '../../src/server/tool-fields.ts'

const deep = (levels: number): object => {
  let schema: object = { type: 'string' }
  for (let level = 0; level < levels; level++) schema = { type: 'array', items: schema }
  return schema
}

/** Each definition refers to the next twice: 2^12 parts and more, references followed. */
const doubling = {
  $ref: '#/$defs/d0',
  $defs: Object.fromEntries(
    Array.from({ length: 13 }, (_, level) => [
      `d${level}`,
      level === 12
        ? { type: 'string' }
        : {
            type: 'object',
            properties: { a: { $ref: `#/$defs/d${level + 1}` }, b: { $ref: `#/$defs/d${level + 1}` } },
          },
    ]),
  ),
}

const refer = ($ref: unknown, $defs: object = {}): object => ({ type: 'array', items: { $ref }, $defs })

test.each<[string, unknown]>([
  ['schema must be a JSON schema, got "text"', 'text'],
  ['schema.items must be a JSON schema, got 7', { type: 'array', items: 7 }],
  ['schema.properties.a.items.pattern is not supported', { properties: { a: { items: { pattern: '(a+)+$' } } } }],
  ['schema.patternProperties is not supported', { type: 'object', patternProperties: { '(a+)+$': true } }],
  ['is more than 32 levels deep', deep(33)],
  ['schema must have at most 2000 parts', doubling],
  ['schema must have at most 100 alternatives', { items: { anyOf: Array.from({ length: 101 }, () => true) } }],
  ['schema must have at most 100 alternatives', { enum: Array.from({ length: 101 }, (_, value) => value) }],
  ['schema.items.$ref refers to itself', refer('#')],
  ['#/$defs/a.anyOf[0].$ref refers to itself', refer('#/$defs/a', { a: { anyOf: [{ $ref: '#/$defs/a' }] } })],
  ['#/$defs/b.$ref refers to itself', refer('#/$defs/a', { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } })],
  ["schema.items.$ref must name one of the schema's $defs", refer('http://127.0.0.1/schema')],
  ["schema.items.$ref must name one of the schema's $defs", refer('#/$defs/constructor')],
  ['schema.items.$ref must be a string, got 7', refer(7)],
  ['schema is not a JSON schema that can be checked: Unsupported type: text', { type: 'text' }],
  ['schema is not a JSON schema that can be checked: Conditional', { type: 'string', if: {} }],
])('a schema that cannot be taken is refused: %s', (message, schema) => {
  expect(() => checkJsonSchema('schema', schema)).toThrow(message)
})

test('a schema with as much as is allowed is taken, and made once', () => {
  const schema = {
    type: 'object',
    properties: { tree: deep(30), choice: { anyOf: Array.from({ length: 100 }, () => ({ $ref: '#/$defs/leaf' })) } },
    $defs: { leaf: { type: 'string', format: 'email' } },
  }
  const check = checkJsonSchema('schema', schema)
  expect(checkJsonSchema('schema', schema)).toBe(check)
  expect(check.safeParse({ choice: 'a@b.example' }).success).toBe(true)
  expect(check.safeParse({ choice: 'a' }).success).toBe(false)
  expect(checkJsonSchema('schema', true).safeParse(7).success).toBe(true)
})

test('a request whose schema cannot be taken is refused by the name of its field', () => {
  const format = { type: 'json_schema', json_schema: { name: 'a', schema: { items: { pattern: 'a' } } } } as const
  const body = { tools: null, tool_choice: null, parallel_tool_calls: null, response_format: format }
  expect(toolFault(body as unknown as Parameters<typeof toolFault>[0])).toMatchObject({
    status: 400,
    param: 'response_format.json_schema.schema.items.pattern',
  })
})
