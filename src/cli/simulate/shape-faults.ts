import type { z } from 'zod'
import { show } from '../../../operators/index.ts'
import type { FileFault, FilePath } from './positioned-file.ts'

/** What a value of the type that zod expects is called. */
const kindNames: Readonly<Record<string, string>> = {
  number: 'a number',
  string: 'a string',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

/** What is wrong with the shape of a value, in the words that all our options are told in. */
export function shapeFaults(value: unknown, error: z.ZodError): readonly FileFault[] {
  return error.issues.map((issue) => {
    const path = issue.path as FilePath
    const atKey = issue.code === 'custom' && issue.params?.['atKey'] === true
    if (atKey) return { path, atKey, text: issue.message }
    const given = path.reduce<unknown>((inside, key) => (inside as Readonly<Record<string, unknown>>)[key], value)
    return {
      path,
      text: given === undefined ? `is missing; it ${expected(issue)}` : `${expected(issue)}, got ${show(given)}`,
    }
  })
}

function expected(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `must be ${kindNames[issue.expected] ?? issue.expected}`
  if (issue.code !== 'invalid_value') return issue.message
  const values = issue.values.map((each) => JSON.stringify(each)).join(', ')
  return issue.values.length === 1 ? `must be ${values}` : `must be one of ${values}`
}
