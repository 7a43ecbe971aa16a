import { checkFunction, checkInteger, checkKeys, checkOneOf, checkText, show } from '../../operators/index.ts'
import { checkModels } from './check-models.ts'
import type { Capability, ModelInfo } from './model-worker.ts'
import type { WorkerDefinition } from './worker-definition.ts'

const functions = ['inferStream', 'infer', 'inferBatch', 'completeStream', 'embed', 'health', 'close'] as const

const capabilities: readonly Capability[] = [
  'chat',
  'stream',
  'tools',
  'choices',
  'logprobs',
  'json',
  'completions',
  'embeddings',
]

/** Checks what an implementer wrote; the worker's info is a frozen copy. */
export function checkDefinition(definition: WorkerDefinition): ModelInfo {
  checkKeys('defineWorker', definition, ['info', 'batchConcurrency', ...functions])
  for (const name of functions) {
    if (definition[name] !== undefined) checkFunction(name, definition[name])
  }
  if (definition.inferStream === undefined && definition.infer === undefined) {
    throw new TypeError('defineWorker: one of inferStream and infer must be given, got neither')
  }
  if (definition.batchConcurrency !== undefined) {
    checkInteger('batchConcurrency', definition.batchConcurrency, { min: 1, max: 1024 })
  }
  const info = checkInfo(definition.info)
  checkPair(info, 'completions', 'completeStream', definition.completeStream)
  checkPair(info, 'embeddings', 'embed', definition.embed)
  return info
}

/** A capability that is a method of its own is told if and only if the method is there. */
function checkPair({ capabilities }: ModelInfo, capability: Capability, name: string, method: unknown): void {
  const told = capabilities.includes(capability)
  if (told === (method !== undefined)) return
  const missing = told ? `${name} must be given` : `info.capabilities must hold ${JSON.stringify(capability)}`
  const because = told ? `info.capabilities holds ${JSON.stringify(capability)}` : `${name} is given`
  throw new TypeError(`defineWorker: ${missing} where ${because}`)
}

function checkInfo(info: ModelInfo): ModelInfo {
  checkKeys('info', info, ['id', 'provider', 'models', 'contextWindow', 'capabilities'])
  checkText('info.id', info.id)
  checkText('info.provider', info.provider)
  const models = checkModels('info.models', info.models)
  if (info.contextWindow !== undefined) checkInteger('info.contextWindow', info.contextWindow, { min: 1 })
  if (!Array.isArray(info.capabilities)) {
    throw new TypeError(`info.capabilities must be an array, got ${show(info.capabilities)}`)
  }
  for (const [index, capability] of info.capabilities.entries()) {
    checkOneOf(`info.capabilities[${index}]`, capability, capabilities)
  }
  return Object.freeze({ ...info, models })
}
