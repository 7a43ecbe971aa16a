import { show } from '../../operators/index.ts'
import type { ChatRole } from '../prompt-request.ts'
import { checkChoiceOf, checkName, checkString, fieldsOf, listOf } from './check-fields.ts'
import { checkParameters } from './check-parameters.ts'
import { InvalidPromptError } from './invalid-prompt-error.ts'
import type { ModelInfo, Prompt } from './model-worker.ts'

const roles: readonly ChatRole[] = ['system', 'user', 'assistant', 'tool']

/** What a prompt is checked against. */
export type PromptRules = Pick<ModelInfo, 'models' | 'capabilities'>

/**
 * Checks a prompt that came from a caller; the checks do not trust its type.
 *
 * @param rules The models that may be asked for, and what may be asked of them.
 * @param at Where the prompt stands in the caller's input, e.g. `'prompts[2]'`; its fields are named from there.
 * @throws InvalidPromptError naming the first field that is wrong, its value and what was expected.
 */
export function checkPrompt(prompt: unknown, rules: PromptRules, at = ''): asserts prompt is Prompt {
  const prefix = at === '' ? '' : `${at}.`
  const { messages, model, parameters } = fieldsOf(at === '' ? 'prompt' : at, prompt)
  checkMessages(`${prefix}messages`, messages)
  checkModel(`${prefix}model`, model, rules.models)
  if (parameters !== undefined) checkParameters(`${prefix}parameters`, parameters, rules.capabilities)
}

/** Checks that a model is one of those that may be asked for; none asks for the first. */
export function checkModel(field: string, model: unknown, models: readonly string[]): void {
  if (model !== undefined) checkChoiceOf(field, model, models)
}

function checkMessages(field: string, value: unknown): void {
  const messages = listOf(field, value, 'messages')
  if (messages.length === 0) throw new InvalidPromptError(field, 'must hold at least one message, got an empty array')
  for (const [index, message] of messages.entries()) {
    const at = `${field}[${index}]`
    const { role, content, name, toolCalls, toolCallId, reasoning } = fieldsOf(at, message, 'a message')
    checkChoiceOf(`${at}.role`, role, roles)
    checkString(`${at}.content`, content)
    if (name !== undefined) checkString(`${at}.name`, name)
    if (reasoning !== undefined) checkString(`${at}.reasoning`, reasoning)
    if (toolCalls !== undefined) {
      onlyFor('assistant', role, `${at}.toolCalls`)
      checkToolCalls(`${at}.toolCalls`, toolCalls)
    }
    if (role === 'tool' || toolCallId !== undefined) {
      onlyFor('tool', role, `${at}.toolCallId`)
      if (toolCallId === undefined) {
        throw new InvalidPromptError(`${at}.toolCallId`, 'is required: the id of the call that this answers')
      }
      checkName(`${at}.toolCallId`, toolCallId)
    }
  }
}

function onlyFor(allowed: ChatRole, role: unknown, field: string): void {
  if (role !== allowed) {
    throw new InvalidPromptError(field, `is only allowed in a message of role "${allowed}", got ${show(role)}`)
  }
}

function checkToolCalls(field: string, value: unknown): void {
  for (const [index, call] of listOf(field, value, 'calls').entries()) {
    const at = `${field}[${index}]`
    const { id, name, arguments: written } = fieldsOf(at, call, 'a call')
    checkName(`${at}.id`, id)
    checkName(`${at}.name`, name)
    checkString(`${at}.arguments`, written)
  }
}
