import { completionsPipeline } from '../../../src/completions-pipeline.ts'
import { embeddingsPipeline } from '../../../src/embeddings-pipeline.ts'
import { chatPipeline } from '../../../src/preset.ts'
import { createServer } from '../../../src/server/index.ts'
import { openai } from '../../../src/workers/index.ts'
import { type OpenAiServer, type OpenAiServerBehaviour, startOpenAiServer } from '../../fixtures/openai-server.ts'

/** A Spillway server on loopback, and the model's server behind it. */
export interface ServedFixture extends AsyncDisposable {
  /** With the version: what clients call their base URL. */
  readonly baseURL: string
  readonly model: OpenAiServer
}

/** Serves the fixture model as a user would: all five stages, text completions and embeddings. */
export async function serveFixture(behaviour: OpenAiServerBehaviour = {}): Promise<ServedFixture> {
  const model = await startOpenAiServer(behaviour)
  const worker = openai({ baseUrl: model.baseUrl, model: 'fixture' })
  const running = chatPipeline({ worker, system: '' }).start()
  const completions = completionsPipeline({ worker }).start()
  const embeddings = embeddingsPipeline({ worker }).start()
  const server = createServer({ running, completions, embeddings, models: [worker.info] })
  const { url } = await server.listen({ port: 0 })
  return {
    baseURL: `${url}/v1`,
    model,
    async [Symbol.asyncDispose]() {
      await Promise.all([running, completions, embeddings].map((pipeline) => pipeline.drain({ timeoutMs: 0 })))
      await server.close({ graceMs: 0 })
      await model.close()
    },
  }
}

/** A choice in a frame. */
export function part(delta: object, finish: string | null = null, index = 0, logprobs: object | null = null): object {
  return { index, delta, logprobs, finish_reason: finish }
}

/** The frames of a call of a tool, its arguments cut into pieces. */
export function callFrames(id: string, name: string, ...pieces: readonly string[]): readonly (readonly object[])[] {
  const call = (fields: object): object[] => [part({ tool_calls: [{ index: 0, ...fields }] })]
  return [
    [part({ role: 'assistant', content: null })],
    call({ id, type: 'function', function: { name, arguments: '' } }),
    ...pieces.map((piece) => call({ function: { arguments: piece } })),
    [part({}, 'tool_calls')],
  ]
}

/** The frames of a text. */
export function textFrames(...pieces: readonly string[]): readonly (readonly object[])[] {
  return [[part({ role: 'assistant' })], ...pieces.map((content) => [part({ content })]), [part({}, 'stop')]]
}

/** Calls a tool where nothing has answered yet, and otherwise says what the tool did. */
export function toolThenText(name: string, written: string): NonNullable<OpenAiServerBehaviour['frames']> {
  return ({ messages }) => {
    const last = messages.at(-1)
    if (last?.role !== 'tool') return callFrames('call_1', name, written.slice(0, 5), written.slice(5))
    return textFrames('It is ', last.content ?? '', '.')
  }
}
