import { z } from 'zod'
import { show } from '../../operators/index.ts'
import type { GenerationParameters, ResponseFormat } from '../generation-parameters.ts'
import { checkJsonSchema } from '../json-schema.ts'
import { mostTools } from '../workers/parameter-ranges.ts'
import type { FieldSchemas, Given } from './generation-fields.ts'
import { refusalBy } from './invalid-prompt.ts'
import { badInput, type Refusal } from './refusal.ts'

type JsonSchema = Readonly<Record<string, unknown>>

/** Tools and the answer's form, as the wire has them. */
export interface ToolBody {
  readonly tools: Given<
    readonly {
      readonly type: 'function'
      readonly function: {
        readonly name: string
        readonly description?: Given<string>
        readonly parameters?: Given<JsonSchema>
        readonly strict?: Given<boolean>
      }
    }[]
  >
  readonly tool_choice: Given<
    'auto' | 'none' | 'required' | { readonly type: 'function'; readonly function: { readonly name: string } }
  >
  readonly parallel_tool_calls: Given<boolean>
  readonly response_format: Given<{
    readonly type: 'text' | 'json_object' | 'json_schema'
    readonly json_schema?: Given<{
      readonly name: string
      readonly description?: Given<string>
      readonly schema?: Given<JsonSchema>
      readonly strict?: Given<boolean>
    }>
  }>
}

const jsonSchema = z.record(z.string(), z.unknown())

const functionTool = z.object({
  type: z.literal('function'),
  function: z.object({
    name: z.string().min(1).max(256),
    description: z.string().nullish(),
    parameters: jsonSchema.nullish(),
    strict: z.boolean().nullish(),
  }),
})

const toolChoice = z.union(
  [
    z.enum(['auto', 'none', 'required']),
    z.object({ type: z.literal('function'), function: z.object({ name: z.string().min(1) }) }),
  ],
  {
    error: ({ input }) =>
      `must be "auto", "none", "required" or { "type": "function", "function": { "name": … } }, got ${show(input)}`,
  },
)

const responseFormat = z.object({
  type: z.enum(['text', 'json_object', 'json_schema']),
  json_schema: z
    .object({
      name: z.string().min(1).max(256),
      description: z.string().nullish(),
      schema: jsonSchema.nullish(),
      strict: z.boolean().nullish(),
    })
    .nullish(),
})

/** The fields of tools and of the answer's form. */
export const toolFields: FieldSchemas<ToolBody> = {
  tools: z.array(functionTool).max(mostTools).nullish(),
  tool_choice: toolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: responseFormat.nullish(),
}

/** What is wrong with these fields beside one another. */
export function toolFault({ tools, tool_choice: choice, response_format: format }: ToolBody): Refusal | undefined {
  const names = tools?.map((tool) => tool.function.name) ?? []
  const again = names.findIndex((name, index) => names.indexOf(name) < index)
  if (again !== -1) {
    const param = `tools[${again}].function.name`
    return badInput(param, `${param} must be unique, got ${show(names[again])} twice`)
  }
  if (choice != null && choice !== 'auto' && choice !== 'none') {
    if (names.length === 0) return badInput('tool_choice', 'tool_choice is only allowed where there are tools')
    if (typeof choice === 'object' && !names.includes(choice.function.name)) {
      const param = 'tool_choice.function.name'
      return badInput(param, `${param} must be the name of one of the tools, got ${show(choice.function.name)}`)
    }
  }
  if (format?.type === 'json_schema' && format.json_schema == null) {
    const param = 'response_format.json_schema'
    return badInput(param, `${param} is required: an object`, 'missing_required_parameter')
  }
  const schema = format?.json_schema?.schema
  return schema == null ? undefined : refusalBy(() => checkJsonSchema('response_format.json_schema.schema', schema))
}

/** These fields as parameters. */
export function toolParametersOf(body: ToolBody): GenerationParameters {
  const { tools, tool_choice: choice, parallel_tool_calls: parallelToolCalls, response_format: format } = body
  if (tools == null || tools.length === 0) return format == null ? {} : { responseFormat: formatOf(format) }
  return {
    tools: tools.map(({ function: { name, description, parameters, strict } }) => ({
      name,
      ...(description != null && { description }),
      ...(parameters != null && { parameters }),
      ...(strict != null && { strict }),
    })),
    ...(choice != null && { toolChoice: typeof choice === 'string' ? choice : { name: choice.function.name } }),
    ...(parallelToolCalls != null && { parallelToolCalls }),
    ...(format != null && { responseFormat: formatOf(format) }),
  }
}

function formatOf({ type, json_schema: wanted }: NonNullable<ToolBody['response_format']>): ResponseFormat {
  if (type !== 'json_schema' || wanted == null) return { type }
  const { name, description, schema, strict } = wanted
  return {
    type,
    name,
    ...(description != null && { description }),
    ...(schema != null && { schema }),
    ...(strict != null && { strict }),
  }
}
