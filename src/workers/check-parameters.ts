import { show } from '../../operators/index.ts'
import type { GenerationParameters } from '../generation-parameters.ts'
import { checkJsonSchema } from '../json-schema.ts'
import {
  checkChoiceOf,
  checkExtra,
  checkFlag,
  checkName,
  checkRange,
  checkString,
  type FieldRange,
  fieldsOf,
  listOf,
} from './check-fields.ts'
import { InvalidPromptError } from './invalid-prompt-error.ts'
import type { Capability } from './model-worker.ts'
import { biasRange, longestStop, mostStops, mostTools, parameterRanges } from './parameter-ranges.ts'

/** Checks generation parameters as `GenerationParameters` documents them, and that the worker can do what they ask. */
export function checkParameters(field: string, value: unknown, capabilities: readonly Capability[]): void {
  const parameters = fieldsOf(field, value)
  for (const [name, given] of Object.entries(parameters)) {
    if (given === undefined) continue
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined
    if (check === undefined) {
      throw new InvalidPromptError(
        `${field}.${name}`,
        `is not a parameter; known are ${Object.keys(checks).join(', ')}`,
      )
    }
    check(`${field}.${name}`, given)
  }
  checkTogether(field, parameters)
  const unsupported = unsupportedParameter(parameters, capabilities)
  if (unsupported !== undefined) {
    throw new InvalidPromptError(`${field}.${unsupported}`, 'is not supported by this worker')
  }
}

/** The first of these parameters that asks for what is not among the capabilities; each has the type that it should. */
export function unsupportedParameter(
  parameters: Readonly<Partial<Record<keyof GenerationParameters, unknown>>>,
  capabilities: readonly Capability[],
): keyof GenerationParameters | undefined {
  return needed.find(({ name, asks, needs }) => {
    const given = parameters[name]
    return given !== undefined && asks(given) && !capabilities.includes(needs)
  })?.name
}

/** What must be in a worker's capabilities so that a parameter is not passed over in silence. */
const needed: readonly {
  readonly name: keyof GenerationParameters
  readonly asks: (value: unknown) => boolean
  readonly needs: Capability
}[] = [
  { name: 'n', asks: (value) => value !== 1, needs: 'choices' },
  { name: 'tools', asks: (value) => Array.isArray(value) && value.length > 0, needs: 'tools' },
  { name: 'logprobs', asks: (value) => value === true, needs: 'logprobs' },
  { name: 'responseFormat', asks: (value) => (value as { type?: unknown }).type !== 'text', needs: 'json' },
]

const range =
  (bounds: FieldRange) =>
  (field: string, value: unknown): void => {
    checkRange(field, value, bounds)
  }

const checks: Readonly<Record<string, (field: string, value: unknown) => void>> = {
  ...Object.fromEntries(Object.entries(parameterRanges).map(([name, bounds]) => [name, range(bounds)])),
  stop: checkStop,
  tools: checkTools,
  toolChoice(field, value) {
    if (typeof value !== 'object' || value === null) checkChoiceOf(field, value, ['auto', 'none', 'required'])
    else checkName(`${field}.name`, fieldsOf(field, value)['name'])
  },
  parallelToolCalls: checkFlag,
  responseFormat: checkResponseFormat,
  logprobs: checkFlag,
  logitBias(field, value) {
    for (const [token, bias] of Object.entries(fieldsOf(field, value))) {
      checkRange(`${field}[${show(token)}]`, bias, biasRange)
    }
  },
  reasoningEffort: checkName,
  extra: checkExtra,
}

function checkStop(field: string, value: unknown): void {
  const texts = listOf(field, value, 'texts')
  if (texts.length > mostStops) {
    throw new InvalidPromptError(field, `must hold at most ${mostStops} texts, got ${texts.length}`)
  }
  for (const [index, text] of texts.entries()) {
    const at = `${field}[${index}]`
    checkName(at, text)
    if (text.length > longestStop) {
      throw new InvalidPromptError(
        at,
        `must be at most ${longestStop} UTF-16 units long, got ${text.length}: ${show(text)}`,
      )
    }
  }
}

function checkTools(field: string, value: unknown): void {
  const tools = listOf(field, value, 'tools')
  if (tools.length > mostTools) {
    throw new InvalidPromptError(field, `must hold at most ${mostTools} tools, got ${tools.length}`)
  }
  const names = new Set<string>()
  for (const [index, tool] of tools.entries()) {
    const at = `${field}[${index}]`
    const { name, description, parameters, strict } = fieldsOf(at, tool, 'a tool')
    checkName(`${at}.name`, name)
    if (names.has(name)) throw new InvalidPromptError(`${at}.name`, `must be unique, got ${show(name)} twice`)
    names.add(name)
    if (description !== undefined) checkString(`${at}.description`, description)
    if (parameters !== undefined) fieldsOf(`${at}.parameters`, parameters, 'a JSON schema')
    if (strict !== undefined) checkFlag(`${at}.strict`, strict)
  }
}

function checkResponseFormat(field: string, value: unknown): void {
  const { type, name, description, schema, strict } = fieldsOf(field, value)
  checkChoiceOf(`${field}.type`, type, ['text', 'json_object', 'json_schema'])
  if (type === 'json_schema') checkName(`${field}.name`, name)
  else if (name !== undefined || schema !== undefined) {
    throw new InvalidPromptError(`${field}.type`, `must be "json_schema" where there is a schema, got ${show(type)}`)
  }
  if (description !== undefined) checkString(`${field}.description`, description)
  if (schema !== undefined) checkJsonSchema(`${field}.schema`, schema)
  if (strict !== undefined) checkFlag(`${field}.strict`, strict)
}

/** What only makes sense beside something else. */
function checkTogether(
  field: string,
  { tools, toolChoice, logprobs, topLogprobs }: Readonly<Record<string, unknown>>,
): void {
  if (topLogprobs !== undefined && topLogprobs !== 0 && logprobs !== true) {
    throw new InvalidPromptError(`${field}.topLogprobs`, 'is only allowed where logprobs is true')
  }
  if (toolChoice === undefined || toolChoice === 'auto' || toolChoice === 'none') return
  const names = Array.isArray(tools) ? tools.map((tool: { readonly name: string }) => tool.name) : []
  if (names.length === 0) throw new InvalidPromptError(`${field}.toolChoice`, 'is only allowed where there are tools')
  if (typeof toolChoice !== 'object') return
  const { name } = toolChoice as { readonly name: string }
  if (!names.includes(name)) {
    throw new InvalidPromptError(`${field}.toolChoice.name`, `must be one of the tools' names, got ${show(name)}`)
  }
}
