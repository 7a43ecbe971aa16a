import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { GenerationParameters } from '../generation-parameters.ts'
import { CompletionParts } from '../workers/completion-parts.ts'
import type { Capability, Completion, CompletionChunk, ModelWorker, Prompt } from '../workers/model-worker.ts'
import { readAll, rejectsNaming } from './worker-assertions.ts'

/** What a worker promises of the capabilities that it lists, and of those that it does not. */
export const capabilityChecks: Readonly<Record<string, (worker: ModelWorker) => Promise<void>>> = {
  'refuses by name what it does not list': refusesWhatItCannot,
  'tools, choices and probabilities come streamed as they come whole': streamsWhatItGives,
  'continues bare texts where it says so': continuesTexts,
  'makes one vector for each text where it says so': makesVectors,
}

const messages = [{ role: 'user', content: 'Which lake feeds the spillway?' }] as const

const asked: readonly { readonly needs: Capability; readonly parameters: GenerationParameters }[] = [
  { needs: 'tools', parameters: { tools: [{ name: 'level', parameters: { type: 'object' } }] } },
  { needs: 'choices', parameters: { n: 2 } },
  { needs: 'logprobs', parameters: { logprobs: true } },
]

async function refusesWhatItCannot(worker: ModelWorker): Promise<void> {
  const { capabilities } = worker.info
  equal(worker.completeStream !== undefined, capabilities.includes('completions'), 'completeStream, if it is listed')
  equal(worker.embed !== undefined, capabilities.includes('embeddings'), 'embed, if it is listed')
  for (const { needs, parameters } of asked) {
    if (capabilities.includes(needs)) continue
    await rejectsNaming(`parameters.${Object.keys(parameters).join('')}`, () => worker.infer({ messages, parameters }))
  }
}

async function streamsWhatItGives(worker: ModelWorker): Promise<void> {
  for (const { needs, parameters } of asked) {
    if (!worker.info.capabilities.includes(needs)) continue
    const prompt: Prompt = { messages, parameters }
    const whole = await worker.infer(prompt)
    const chunks = await readAll(worker.inferStream(prompt))
    deepEqual(together(chunks), whole)
    ok(chunks.every(({ choice = 0 }) => choice < (parameters.n ?? 1)))
    for (const call of whole.toolCalls ?? []) ok(call.id !== '' && call.name !== '', 'a call has an id and a name')
  }
}

async function continuesTexts(worker: ModelWorker): Promise<void> {
  if (worker.completeStream === undefined) return
  const complete = worker.completeStream.bind(worker)
  const prompts = ['The lake is', 'The gate is']
  const chunks = await readAll(complete({ prompts }))
  ok(chunks.every(({ choice = 0 }) => choice < prompts.length))
  deepEqual(together(await readAll(complete({ prompts }))), together(chunks))
  await rejectsNaming('prompts', () => readAll(complete({ prompts: [] })))
  await rejectsNaming('model', () => readAll(complete({ prompts, model: 'no such model' })))
  await rejectsWhenAborted((signal) => readAll(complete({ prompts }, { signal })))
}

async function makesVectors(worker: ModelWorker): Promise<void> {
  if (worker.embed === undefined) return
  const embed = worker.embed.bind(worker)
  const input = ['The lake', 'The gate is open', 'The lake']
  const { vectors } = await embed({ input })
  equal(vectors.length, input.length)
  ok(vectors.every((vector) => vector.length === vectors[0]?.length && vector.every(Number.isFinite)))
  deepEqual(vectors[2], vectors[0])
  await rejectsNaming('input', () => embed({ input: [] }))
  await rejectsNaming('model', () => embed({ input, model: 'no such model' }))
  await rejectsWhenAborted((signal) => embed({ input }, { signal }))
}

function together(chunks: readonly CompletionChunk[]): Completion {
  const parts = new CompletionParts()
  for (const chunk of chunks) parts.add(chunk)
  return parts.completion
}

async function rejectsWhenAborted(call: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const reason = new Error('not wanted any more')
  await rejects(call(AbortSignal.abort(reason)), (error) => error === reason)
}
