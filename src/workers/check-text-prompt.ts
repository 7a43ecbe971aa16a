import { show } from '../../operators/index.ts'
import { checkFlag, checkRange, checkString, fieldsOf, listOf } from './check-fields.ts'
import { checkParameters } from './check-parameters.ts'
import { checkModel, type PromptRules } from './check-prompt.ts'
import { InvalidPromptError } from './invalid-prompt-error.ts'
import type { Capability } from './model-worker.ts'
import type { TextPrompt } from './text-prompt.ts'

/** What a worker can do beside continuing texts, where it can continue texts at all. */
const givenWithCompletions: readonly Capability[] = ['choices', 'logprobs']

/** As `checkPrompt`, for bare texts. */
export function checkTextPrompt(prompt: unknown, { models }: PromptRules): asserts prompt is TextPrompt {
  const { prompts, model, suffix, echo, bestOf, parameters } = fieldsOf('prompt', prompt)
  checkTexts('prompts', prompts)
  checkModel('model', model, models)
  if (suffix !== undefined) checkString('suffix', suffix)
  if (echo !== undefined) checkFlag('echo', echo)
  if (bestOf !== undefined) checkRange('bestOf', bestOf, { min: 1, max: 128, whole: true })
  if (parameters !== undefined) checkParameters('parameters', parameters, givenWithCompletions)
  const n = (parameters as TextPrompt['parameters'])?.n ?? 1
  if (bestOf !== undefined && (bestOf as number) < n) {
    throw new InvalidPromptError('bestOf', `must be at least parameters.n, which is ${n}, got ${show(bestOf)}`)
  }
}

/** Texts, or their tokens: at least one, none of them empty. */
export function checkTexts(field: string, value: unknown): void {
  const texts = listOf(field, value, 'texts or arrays of tokens')
  if (texts.length === 0) throw new InvalidPromptError(field, 'must hold at least one text, got an empty array')
  for (const [index, text] of texts.entries()) {
    const at = `${field}[${index}]`
    if (typeof text === 'string') continue
    for (const [place, token] of listOf(at, text, 'tokens, or a string').entries()) {
      checkRange(`${at}[${place}]`, token, { min: 0, max: 2 ** 31 - 1, whole: true })
    }
  }
}
