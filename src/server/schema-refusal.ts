import { z } from 'zod'
import { show } from '../../operators/index.ts'
import { cutName } from './cut-name.ts'
import { badInput, type Refusal } from './refusal.ts'

/**
 * The first thing that a schema found wrong, as a refusal that names the field, the value and what was expected. Parse
 * with `reportInput: true`, so that the value is known.
 *
 * @param otherwise What is said where the schema names nothing.
 * @param schema The schema itself, where it knows all fields: those are named when another one is there.
 */
export function schemaRefusal(error: z.ZodError, otherwise: string, schema?: z.ZodType): Refusal {
  const issue = error.issues[0]
  if (issue === undefined) return badInput(null, otherwise)
  if (issue.code === 'unrecognized_keys') return unknownField(issue, schema)
  const param = pathOf(issue.path)
  const required = issue.input === undefined
  return badInput(param, `${param} ${expectation(issue)}`, codes[required ? 'required' : issue.code] ?? 'invalid_value')
}

function unknownField({ path, keys }: z.core.$ZodIssueUnrecognizedKeys, schema: z.ZodType | undefined): Refusal {
  const param = pathOf([...path, keys[0] ?? ''])
  const known = path.reduce(memberOf, schema)
  const names = known instanceof z.ZodObject ? `; known are ${Object.keys(known.shape).join(', ')}` : ''
  return badInput(param, `${param} is not a known field${names}`, 'unknown_parameter')
}

/** The schema of a field, or of an array's elements. */
function memberOf(schema: z.ZodType | undefined, key: PropertyKey): z.ZodType | undefined {
  const member: unknown =
    schema instanceof z.ZodObject
      ? schema.shape[key as string]
      : schema instanceof z.ZodArray
        ? schema.element
        : undefined
  const inner: unknown = member instanceof z.ZodExactOptional ? member.unwrap() : member
  return inner instanceof z.ZodType ? inner : undefined
}

const codes: Readonly<Record<string, string>> = {
  required: 'missing_required_parameter',
  invalid_type: 'invalid_type',
}

/** `messages[0].content`, as one would write it in code. */
function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    const name = cutName(String(key))
    return text === '' ? name : `${text}.${name}`
  }, '')
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type': {
      const expected = names[issue.expected] ?? issue.expected
      return issue.input === undefined ? `is required: ${expected}` : `must be ${expected}, got ${show(issue.input)}`
    }
    case 'invalid_value': {
      const values = issue.values.map((value) => JSON.stringify(value)).join(', ')
      const expected = issue.values.length === 1 ? values : `one of ${values}`
      return issue.input === undefined ? `is required: ${expected}` : `must be ${expected}, got ${show(issue.input)}`
    }
    case 'too_small':
      return sized(issue.origin) ? 'must not be empty' : `must be at least ${issue.minimum}, got ${show(issue.input)}`
    case 'too_big':
      return sized(issue.origin)
        ? `must be at most ${issue.maximum} long, got ${(issue.input as string | readonly unknown[]).length}`
        : `must be at most ${issue.maximum}, got ${show(issue.input)}`
    default:
      return issue.message
  }
}

function sized(origin: string): boolean {
  return origin === 'string' || origin === 'array'
}

const names: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
  record: 'an object',
}
