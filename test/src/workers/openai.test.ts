import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { discoverModels } from '../../../src/workers/openai-models.ts'
import { openai, type OpenAiOptions } from '../../../src/workers/openai.ts'
import type { Prompt } from '../../../src/workers/model-worker.ts'
import { WorkerError } from '../../../src/workers/worker-error.ts'
import { type OpenAiServerBehaviour, startOpenAiServer } from '../../fixtures/openai-server.ts'
import { readAll } from '../../fixtures/read-all.ts'

const prompt: Prompt = { messages: [{ role: 'user', content: 'the water is high' }] }
const local = { baseUrl: 'http://127.0.0.1:9/v1', model: 'fixture' }

async function failureOf(behaviour: OpenAiServerBehaviour, options: Partial<OpenAiOptions> = {}): Promise<WorkerError> {
  await using server = await startOpenAiServer(behaviour)
  const worker = openai({ baseUrl: server.baseUrl, model: 'fixture', ...options })
  const error = await worker.infer(prompt).then(
    (completion) => completion,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(WorkerError)
  return error as WorkerError
}

describe('the request', () => {
  test('asks for a stream with usage and has every parameter by its name', async () => {
    await using server = await startOpenAiServer()
    const worker = openai({ baseUrl: server.baseUrl, models: ['small', 'large'] })
    await worker.infer({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello', name: 'ada' },
      ],
      model: 'large',
      parameters: {
        temperature: 0.5,
        topP: 0.9,
        maxTokens: 7,
        stop: ['END'],
        seed: 42,
        frequencyPenalty: -1,
        presencePenalty: 1,
      },
    })
    const { body, headers, path } = await server.request(0)
    expect(path).toBe('/v1/chat/completions')
    expect(body).toEqual({
      model: 'large',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello', name: 'ada' },
      ],
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0.5,
      top_p: 0.9,
      max_tokens: 7,
      stop: ['END'],
      seed: 42,
      frequency_penalty: -1,
      presence_penalty: 1,
    })
    expect(headers['content-type']).toBe('application/json')
  })

  test('takes the first model by default, and leaves out what was not given', async () => {
    await using server = await startOpenAiServer()
    await openai({ baseUrl: server.baseUrl, models: ['small', 'large'] }).infer(prompt)
    const { body } = await server.request(0)
    expect(body).toEqual({
      model: 'small',
      messages: prompt.messages,
      stream: true,
      stream_options: { include_usage: true },
    })
  })

  test('names the limit as it is told to', async () => {
    await using server = await startOpenAiServer()
    const worker = openai({ baseUrl: server.baseUrl, model: 'fixture', maxTokensField: 'max_completion_tokens' })
    await worker.infer({ ...prompt, parameters: { maxTokens: 3 } })
    const { body } = await server.request(0)
    expect(body).toMatchObject({ max_completion_tokens: 3 })
    expect(body).not.toHaveProperty('max_tokens')
  })

  test('has the key that was given, and nothing from the environment', async () => {
    await using server = await startOpenAiServer()
    const environment = {
      OPENAI_API_KEY: 'environment-key',
      OPENAI_ADMIN_KEY: 'environment-admin',
      OPENAI_ORG_ID: 'environment-org',
      OPENAI_PROJECT_ID: 'environment-project',
      OPENAI_BASE_URL: 'http://127.0.0.1:9/environment',
      OPENAI_CUSTOM_HEADERS: 'x-from: environment\nauthorization: Bearer environment',
    }
    const before = { ...process.env }
    Object.assign(process.env, environment)
    try {
      await openai({ baseUrl: server.baseUrl, model: 'fixture' }).infer(prompt)
      await openai({ baseUrl: server.baseUrl, model: 'fixture', apiKey: 'own-key' }).infer(prompt)
    } finally {
      for (const name of Object.keys(environment)) {
        if (before[name] === undefined) Reflect.deleteProperty(process.env, name)
        else process.env[name] = before[name]
      }
    }
    const [without, withKey] = [await server.request(0), await server.request(1)]
    expect(without.headers.authorization).toBeUndefined()
    expect(withKey.headers.authorization).toBe('Bearer own-key')
    expect(JSON.stringify([without.headers, withKey.headers])).not.toContain('environment')
  })
})

describe('what servers send', () => {
  test('text, finish reason and usage', async () => {
    await using server = await startOpenAiServer({ chunks: ['The ', 'dam ', 'holds.'], finishReason: 'length' })
    const worker = openai({ baseUrl: server.baseUrl, model: 'fixture' })
    expect(await readAll(worker.inferStream(prompt))).toEqual([
      { text: 'The ' },
      { text: 'dam ' },
      { text: 'holds.' },
      { text: '', finishReason: 'length' },
      { text: '', usage: { promptTokens: 4, completionTokens: 3 } },
    ])
  })

  test('no usage, null content, frames without choices or delta', async () => {
    await using server = await startOpenAiServer({ chunks: ['fine'], usage: false, oddChunks: true })
    const worker = openai({ baseUrl: server.baseUrl, model: 'fixture' })
    expect(await worker.infer(prompt)).toEqual({ text: 'fine', finishReason: 'stop' })
  })

  test('no finish reason, but [DONE]', async () => {
    await using server = await startOpenAiServer({ chunks: ['fine'], finishReason: null })
    const worker = openai({ baseUrl: server.baseUrl, model: 'fixture' })
    expect(await worker.infer(prompt)).toMatchObject({ text: 'fine', finishReason: 'stop' })
  })

  test('a finish reason, but no [DONE]', async () => {
    await using server = await startOpenAiServer({ chunks: ['fine'], finishReason: 'stop', done: false })
    const worker = openai({ baseUrl: server.baseUrl, model: 'fixture' })
    expect(await worker.infer(prompt)).toMatchObject({ text: 'fine', finishReason: 'stop' })
  })

  test('a finish reason of their own, and the older name of tool calls', async () => {
    for (const [theirs, ours] of [
      ['eos', 'stop'],
      ['function_call', 'tool_calls'],
    ]) {
      await using server = await startOpenAiServer({ chunks: ['fine'], finishReason: theirs! })
      const worker = openai({ baseUrl: server.baseUrl, model: 'fixture' })
      expect((await worker.infer(prompt)).finishReason).toBe(ours)
    }
  })

  test('text that looks like frames, halves of characters and line ends arrives as it is', async () => {
    const chunks = ['data: [DONE]\n\n', '\r\n', '\ud83d', '\ude00', '\u2028', '"}']
    await using server = await startOpenAiServer({ chunks })
    const worker = openai({ baseUrl: server.baseUrl, model: 'fixture' })
    expect((await worker.infer(prompt)).text).toBe(chunks.join(''))
  })
})

describe('failures', () => {
  test('a refusal has the status and the words of the server, and is not tried again', async () => {
    await using server = await startOpenAiServer({
      error: { status: 503, message: 'the model is loading', headers: { 'x-should-retry': 'true' } },
    })
    const worker = openai({ baseUrl: server.baseUrl, model: 'fixture', id: 'main' })
    await expect(worker.infer(prompt)).rejects.toMatchObject({
      name: 'WorkerError',
      code: 'worker_failed',
      worker: 'main',
      status: 503,
      message: 'worker "main": 503 the model is loading',
      cause: { status: 503 },
    })
    expect(server.requests).toHaveLength(1)
  })

  test('the code with which the server refused is kept, where it is a text', async () => {
    for (const code of ['model_not_found', 404, undefined]) {
      await using server = await startOpenAiServer({ error: { status: 404, message: 'no such model', code } })
      await expect(openai({ baseUrl: server.baseUrl, model: 'fixture' }).infer(prompt)).rejects.toMatchObject({
        status: 404,
        serverCode: typeof code === 'string' ? code : undefined,
        reason: '404 no such model',
      })
    }
  })

  test('a server that is not there is named, with what the network said', async () => {
    const server = await startOpenAiServer()
    await server.close()
    const error: unknown = await openai({ baseUrl: server.baseUrl, model: 'fixture' })
      .infer(prompt)
      .catch((e: unknown) => e)
    expect(error).toBeInstanceOf(WorkerError)
    expect(error).toMatchObject({ status: undefined })
    expect((error as WorkerError).message).toContain(server.baseUrl)
    expect((error as WorkerError).message).toContain('ECONNREFUSED')
    expect((error as WorkerError).cause).toBeInstanceOf(Error)
  })

  test('the key is nowhere in an error, even when the server repeats it', async () => {
    const apiKey = 'sk-very-secret'
    const error = await failureOf({ error: { status: 401, message: `Incorrect API key: ${apiKey}` } }, { apiKey })
    expect(error.message).toBe('worker "openai": 401 Incorrect API key: [apiKey]')
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(apiKey)
    expect(error.stack).not.toContain(apiKey)
  })

  test('an error in mid-stream is an error, after what came before it', async () => {
    await using server = await startOpenAiServer({ chunks: ['one ', 'two '], errorAfter: 1 })
    const chunks = openai({ baseUrl: server.baseUrl, model: 'fixture' }).inferStream(prompt)[Symbol.asyncIterator]()
    expect(await chunks.next()).toEqual({ done: false, value: { text: 'one ' } })
    await expect(chunks.next()).rejects.toThrow('the model ran out of memory')
  })

  test.each<[string, OpenAiServerBehaviour]>([
    ['ends cleanly in the middle', { truncateAfter: 1 }],
    ['ends cleanly before anything', { truncateAfter: 0 }],
    ['breaks the connection', { breakAfter: 1 }],
    ['ends after the text without saying that it is complete', { finishReason: null, usage: false, done: false }],
    ['quotes [DONE] in its last text', { chunks: ['\ndata: [DONE]'], finishReason: null, usage: false, done: false }],
    ['sends what is no JSON', { garbageAfter: 1 }],
  ])('a server that %s has failed', async (_, behaviour) => {
    const error = await failureOf({ chunks: ['one ', 'two '], ...behaviour })
    expect(error.code).toBe('worker_failed')
  })

  test('a server that falls silent is given up after timeoutMs, and its connection is closed', async () => {
    await using server = await startOpenAiServer({ chunks: ['one ', 'two '], silentAfter: 1 })
    const clock = new VirtualClock()
    const worker = openai({ baseUrl: server.baseUrl, model: 'fixture', timeoutMs: 2000, clock })
    const chunks = worker.inferStream(prompt)[Symbol.asyncIterator]()
    await chunks.next()
    await clock.advance(60_000)
    const silence = chunks.next()
    silence.catch(() => undefined)
    await clock.advance(1999)
    await clock.advance(1)
    await expect(silence).rejects.toThrow(`${server.baseUrl} was silent for 2000 ms`)
    expect(await (await server.request(0)).closed).toMatchObject({ complete: false })
  })
})

test("the reader's own time is not the server's silence", async () => {
  await using server = await startOpenAiServer({ chunks: ['one ', 'two '] })
  const clock = new VirtualClock()
  const worker = openai({ baseUrl: server.baseUrl, model: 'fixture', timeoutMs: 2000, clock })
  const texts: string[] = []
  for await (const chunk of worker.inferStream(prompt)) {
    texts.push(chunk.text)
    await clock.advance(60_000)
  }
  expect(texts.join('')).toBe('one two ')
  expect(clock.pending).toBe(0)
})

describe('cancelling', () => {
  test('closes the connection while the server prepares its answer', async () => {
    await using server = await startOpenAiServer({ firstDelayMs: 60_000 })
    const call = new AbortController()
    const answer = openai({ baseUrl: server.baseUrl, model: 'fixture' }).infer(prompt, { signal: call.signal })
    const received = await server.request(0)
    call.abort(new Error('changed my mind'))
    await expect(answer).rejects.toThrow('changed my mind')
    expect(await received.closed).toMatchObject({ complete: false })
  })

  test('one of several calls leaves the others alone', async () => {
    await using server = await startOpenAiServer({ firstDelayMs: 50 })
    const worker = openai({ baseUrl: server.baseUrl, model: 'fixture' })
    const call = new AbortController()
    const first = worker.infer(prompt, { signal: call.signal })
    const others = Promise.all(Array.from({ length: 5 }, () => worker.infer(prompt)))
    await server.request(5)
    expect(server.maxConcurrency).toBe(6)
    call.abort(new Error('only me'))
    await expect(first).rejects.toThrow('only me')
    expect((await others).map((completion) => completion.text)).toEqual(Array(5).fill('the water is high'))
  })
})

describe('health', () => {
  test('is healthy with the latency', async () => {
    await using server = await startOpenAiServer()
    const status = await openai({ baseUrl: server.baseUrl, model: 'fixture' }).health()
    expect(status).toEqual({ healthy: true, latencyMs: expect.any(Number) as number })
    expect((await server.request(0)).path).toBe('/v1/models')
  })

  test('is healthy without a list of models', async () => {
    await using server = await startOpenAiServer({ models: null })
    expect(await openai({ baseUrl: server.baseUrl, model: 'fixture' }).health()).toMatchObject({ healthy: true })
  })

  test('is unhealthy with a reason when the server refuses, is gone, or is too slow', async () => {
    const refusing = await startOpenAiServer({ error: { status: 500, message: 'out of order' } })
    const worker = openai({ baseUrl: refusing.baseUrl, model: 'fixture' })
    expect(await worker.health()).toEqual({ healthy: false, reason: expect.stringContaining('out of order') as string })
    await refusing.close()
    expect(await worker.health()).toEqual({ healthy: false, reason: expect.stringContaining('ECONNREFUSED') as string })

    await using slow = await startOpenAiServer({ modelsDelayMs: 60_000 })
    const clock = new VirtualClock()
    const waiting = openai({ baseUrl: slow.baseUrl, model: 'fixture', healthTimeoutMs: 300, clock }).health()
    await slow.request(0)
    await clock.advance(300)
    expect(await waiting).toEqual({ healthy: false, reason: expect.stringContaining('within 300 ms') as string })
    expect(await (await slow.request(0)).closed).toMatchObject({ complete: false })
  })
})

describe('discoverModels', () => {
  test('names the models in their order', async () => {
    await using server = await startOpenAiServer({ models: { data: [{ id: 'b' }, { id: 'a' }, null, { id: 7 }] } })
    expect(await discoverModels({ baseUrl: server.baseUrl, apiKey: 'k' })).toEqual(['b', 'a'])
    expect((await server.request(0)).headers.authorization).toBe('Bearer k')
  })

  test.each([{ models: null }, { models: {} }, { models: [] }, { models: { data: null } }])(
    'finds none in %o',
    async (behaviour) => {
      await using server = await startOpenAiServer(behaviour)
      expect(await discoverModels({ baseUrl: server.baseUrl })).toEqual([])
    },
  )

  test('rejects when the server refuses, and with the reason of its signal', async () => {
    await using server = await startOpenAiServer({ error: { status: 401, message: 'who are you?' } })
    await expect(discoverModels({ baseUrl: server.baseUrl })).rejects.toMatchObject({
      code: 'worker_failed',
      status: 401,
    })
    const signal = AbortSignal.abort(new Error('no time'))
    await expect(discoverModels({ baseUrl: server.baseUrl, signal })).rejects.toThrow('no time')
    expect(server.requests).toHaveLength(1)
  })

  test('closes the connection when its signal is aborted', async () => {
    await using server = await startOpenAiServer({ modelsDelayMs: 60_000 })
    const call = new AbortController()
    const models = discoverModels({ baseUrl: server.baseUrl, signal: call.signal })
    const received = await server.request(0)
    call.abort(new Error('no time'))
    await expect(models).rejects.toThrow('no time')
    expect(await received.closed).toMatchObject({ complete: false })
  })
})

describe('the options', () => {
  test.each<[string, object]>([
    ['baseUrl', { model: 'm' }],
    ['baseUrl', { ...local, baseUrl: 'localhost:8000' }],
    ['baseUrl', { ...local, baseUrl: 'ftp://localhost' }],
    ['baseUrl must not hold credentials', { ...local, baseUrl: 'http://user:secret@localhost' }],
    ['apiKey', { ...local, apiKey: '' }],
    ['apiKey', { ...local, apiKey: 'with\nnewline' }],
    ['either model or models', { baseUrl: local.baseUrl }],
    ['either model or models', { ...local, models: ['m'] }],
    ['model', { ...local, model: '' }],
    ['models', { baseUrl: local.baseUrl, models: [] }],
    ['models[0]', { baseUrl: local.baseUrl, models: [7] }],
    ['id', { ...local, id: '' }],
    ['timeoutMs', { ...local, timeoutMs: 0 }],
    ['healthTimeoutMs', { ...local, healthTimeoutMs: 1e9 }],
    ['maxTokensField', { ...local, maxTokensField: 'tokens' }],
    ['contextWindow', { ...local, contextWindow: -1 }],
    ['"baseURL"', { ...local, baseURL: 'x' }],
  ])('are refused by name: %s', (message, options) => {
    expect(() => openai(options as OpenAiOptions)).toThrow(message)
  })

  test('no message holds a secret', () => {
    for (const options of [
      { ...local, apiKey: 'se\ncret' },
      { ...local, baseUrl: 'http://user:secret@localhost' },
    ]) {
      expect(() => openai(options)).toThrow(
        expect.not.objectContaining({ message: expect.stringContaining('cret') as string }) as Error,
      )
    }
  })
})
