import { expect, test } from 'vitest'
import { redactor } from '../../../src/redaction/redactor.ts'
import { lookAlikes } from './look-alikes.ts'
import { personalData } from './personal-data.ts'

const { redact } = redactor()

test.each(personalData)('%s: %s', (kind, marked) => {
  expect(redact(marked.replaceAll(/[«»]/g, ''))).toBe(marked.replaceAll(/«[^»]*»/g, `[${kind}]`))
})

test.each(lookAlikes)('stays, %s: %s', (_, text) => {
  expect(redact(text)).toBe(text)
})

test(`${personalData.length} texts with personal data and ${lookAlikes.length} look-alikes: 200 and more of each, none twice`, () => {
  expect(new Set(personalData.map(([, marked]) => marked)).size).toBe(personalData.length)
  expect(new Set(lookAlikes.map(([, text]) => text)).size).toBe(lookAlikes.length)
  expect(personalData.length).toBeGreaterThanOrEqual(200)
  expect(lookAlikes.length).toBeGreaterThanOrEqual(200)
})
