import { z } from 'zod'
import { show } from '../../operators/index.ts'
import type { TextOrTokens } from '../workers/text-prompt.ts'
import { describedAs } from './described-as.ts'

/** How many texts a request may bring. */
const mostTexts = 2048

const tokens = z
  .array(
    z
      .int()
      .min(0)
      .max(2 ** 31 - 1),
  )
  .min(1)
const texts = z
  .array(z.union([z.string(), tokens]))
  .min(1)
  .max(mostTexts)

/** A text, tokens, or several of either, as a list of them. */
export const textInput: z.ZodType<readonly TextOrTokens[]> = z
  .unknown()
  .transform((value, context): readonly TextOrTokens[] => {
    const fail = (message: string, ...path: PropertyKey[]): never => {
      context.addIssue({ code: 'custom', message, path, input: value })
      return z.NEVER
    }
    if (value == null) return fail('is required: a string, an array of strings, or an array of tokens')
    if (typeof value === 'string') return [value]
    if (!Array.isArray(value)) {
      return fail(`must be a string, an array of strings, or an array of tokens, got ${show(value)}`)
    }
    const list = value as readonly unknown[]
    if (list.length === 0) return fail('must not be an empty array')
    if (list.every((token) => typeof token === 'number')) {
      return list.every(isToken) ? [list] : fail('must hold whole numbers of 0 or more where it holds tokens')
    }
    if (list.length > mostTexts) return fail(`must hold at most ${mostTexts} texts, got ${list.length}`)
    const wrong = list.findIndex((text) => typeof text !== 'string' && !isTokens(text))
    if (wrong !== -1) return fail(`must be a string or an array of tokens, got ${show(list[wrong])}`, wrong)
    return list as readonly TextOrTokens[]
  })
  .meta(describedAs(z.union([z.string(), tokens, texts])))

function isTokens(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isToken)
}

function isToken(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31
}

/** UTF-16 code units of all texts together; a token counts as one. */
export function charsOf(texts: readonly TextOrTokens[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0)
}
