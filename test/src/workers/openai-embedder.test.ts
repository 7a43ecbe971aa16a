import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openaiEmbedder, type OpenAiEmbedderOptions } from '../../../src/workers/openai-embedder.ts'
import { WorkerError } from '../../../src/workers/worker-error.ts'
import { VirtualClock } from '../../../src/testing/index.ts'
import { type EmbeddingServer, startEmbeddingServer } from '../../fixtures/embedding-server.ts'
import { hashedVector } from '../../fixtures/hashed-vector.ts'

let server: EmbeddingServer
beforeEach(async () => {
  server = await startEmbeddingServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const embedder = (options: Partial<OpenAiEmbedderOptions> = {}): ReturnType<typeof openaiEmbedder> =>
  openaiEmbedder({ baseUrl: server.baseUrl, model: 'fixture', ...options })

describe('embedding', () => {
  test('gives a vector for each text, in order, in batches', async () => {
    const texts = Array.from({ length: 7 }, (_, at) => `text ${at}`)
    const vectors = await embedder({ batchSize: 3 }).embed(texts)
    expect(vectors).toEqual(texts.map((text) => hashedVector(text, 512)))
    expect(server.calls.map(({ input }) => input.length)).toEqual([3, 3, 1])
    expect(server.calls[0]).toEqual({ model: 'fixture', input: texts.slice(0, 3), encoding_format: 'float' })
    expect(await embedder().embed([])).toEqual([])
  })

  test('sends the key, and none where there is none', async () => {
    await embedder({ apiKey: 'secret' }).embed(['a'])
    await embedder().embed(['a'])
    expect(server.tokens).toEqual(['Bearer secret', undefined])
  })

  test('asks for dimensions, which are part of what the vectors are called', async () => {
    const short = embedder({ dimensions: 8 })
    expect((await short.embed(['a']))[0]).toHaveLength(8)
    expect([short.model, embedder().model]).toEqual(['fixture@8', 'fixture'])
  })
})

describe('what goes wrong', () => {
  test('a server that is not there is named', async () => {
    await server[Symbol.asyncDispose]()
    const failure = embedder().embed(['a'])
    await expect(failure).rejects.toBeInstanceOf(WorkerError)
    await expect(failure).rejects.toThrow(`cannot reach ${server.baseUrl}`)
  })

  test('a server that refuses', async () => {
    server.behaviour.status = 429
    await expect(embedder().embed(['a'])).rejects.toMatchObject({ status: 429, code: 'worker_failed' })
  })

  test.each([
    [{ data: [] }, 'was to give 1 vectors and gave 0 vectors'],
    [{ error: 'no' }, 'was to give 1 vectors and gave an object without data'],
    [{ data: [{ index: 0, embedding: ['a'] }] }, 'gave no vector of numbers for text 1 of 1'],
    [{ data: [{ index: 1, embedding: [1] }] }, 'gave no vector of numbers for text 1 of 1'],
    [{ data: [null] }, 'gave no vector of numbers for text 1 of 1'],
  ])('the answer %j', async (body, message) => {
    server.behaviour.body = body
    await expect(embedder().embed(['a'])).rejects.toThrow(message)
  })

  test('a server that is silent for longer than allowed', async () => {
    server.behaviour.silent = true
    const clock = new VirtualClock()
    const failure = expect(embedder({ timeoutMs: 500, clock }).embed(['a'])).rejects.toThrow(
      `no vectors from ${server.baseUrl} within 500 ms`,
    )
    await expect.poll(() => server.calls.length).toBe(1)
    await clock.advance(500)
    await failure
    await expect.poll(() => server.open).toBe(0)
  })

  test('an aborted call rejects with the reason and closes the connection', async () => {
    server.behaviour.silent = true
    const calling = new AbortController()
    const reason = new Error('enough')
    const failure = expect(embedder().embed(['a'], { signal: calling.signal })).rejects.toBe(reason)
    await expect.poll(() => server.calls.length).toBe(1)
    calling.abort(reason)
    await failure
    await expect.poll(() => server.open).toBe(0)
    expect(getEventListeners(calling.signal, 'abort')).toEqual([])
    await expect(embedder().embed(['a'], { signal: calling.signal })).rejects.toBe(reason)
    expect(server.calls).toHaveLength(1)
  })

  test.each([
    [{ baseUrl: 'nowhere' }, /baseUrl/],
    [{ model: '' }, /model must not be empty/],
    [{ dimensions: 0 }, /dimensions.*1 to 65536.*0/],
    [{ batchSize: 2_049 }, /batchSize.*1 to 2048.*2049/],
    [{ timeoutMs: 0 }, /timeoutMs.*1 to 600000.*0/],
    [{ modle: 'a' }, /unknown option "modle"/],
  ])('the options %o', (options, message) => {
    expect(() => embedder(options as Partial<OpenAiEmbedderOptions>)).toThrow(message)
  })
})
