import { test } from 'vitest'
import { modelWorkerContract } from '../../../src/testing/model-worker-contract.ts'
import { openai } from '../../../src/workers/openai.ts'
import { type OpenAiServerBehaviour, startOpenAiServer } from '../../fixtures/openai-server.ts'
import { callFrames, part, textFrames } from '../../integration/clients/serve-fixture.ts'

/** Does what it is asked for: calls a tool, gives two choices, tells probabilities; otherwise repeats the question. */
const capableAnswer: NonNullable<OpenAiServerBehaviour['frames']> = (body) => {
  if (Array.isArray(body['prompt']))
    return body['prompt'].map((text: unknown, index) => [{ index, text, finish_reason: 'stop' }])
  if (body['tools'] !== undefined) return callFrames('call_1', 'level', '{"lake":', '"Orta"}')
  if (body['n'] === 2) return [[part({ content: 'a' })], [part({ content: 'b' }, 'stop', 1)], [part({}, 'length')]]
  const logprob = { content: [{ token: 'a', logprob: -1, bytes: null, top_logprobs: [] }] }
  if (body['logprobs'] === true) return [[part({ content: 'a' }, null, 0, logprob)], [part({}, 'stop')]]
  return textFrames(...(body.messages.at(-1)?.content ?? '').split(/(?<= )/))
}

for (const check of modelWorkerContract('openai', {
  async create() {
    const server = await startOpenAiServer({ frames: capableAnswer })
    return { worker: openai({ baseUrl: server.baseUrl, model: 'fixture' }), dispose: () => server.close() }
  },
  async createEndless() {
    const server = await startOpenAiServer({ endless: true })
    return {
      worker: openai({ baseUrl: server.baseUrl, model: 'fixture' }),
      sourceOpened: () => server.request(0),
      sourceClosed: async () => (await server.request(0)).closed,
      dispose: () => server.close(),
    }
  },
})) {
  test(check.name, check.run)
}
