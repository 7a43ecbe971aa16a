import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { OpenAI } from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import type { Running } from '../../src/pipeline/running.ts'
import { chatPipeline, type ChatPipelineOptions } from '../../src/preset.ts'
import { createSqliteRetriever } from '../../src/retrieval/sqlite-retriever.ts'
import { createServer, type ServerOptions } from '../../src/server/index.ts'
import type { StartOptions } from '../../src/pipeline/start-options.ts'
import { defineWorker, echo, type ModelWorker, openai, WorkerError } from '../../src/workers/index.ts'
import { startOpenAiServer } from '../fixtures/openai-server.ts'
import type { PromptRequest } from '../../src/prompt-request.ts'
import type { CompletionChunk } from '../../src/workers/model-worker.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

interface Serving {
  readonly client: OpenAI
  readonly url: string
  readonly running: Running<PromptRequest, CompletionChunk>
}

/** The five stages behind the server, and the official client before it. */
async function serve(
  chat: ChatPipelineOptions,
  start: StartOptions = {},
  options: Partial<ServerOptions> = {},
): Promise<Serving> {
  const running = chatPipeline(chat).start(start)
  const server = createServer({ running, models: [chat.worker.info], ...options })
  const { url } = await server.listen({ port: 0 })
  closing.push(async () => {
    await running.drain({ timeoutMs: 0 })
    await server.close({ graceMs: 0 })
  })
  return { url, running, client: new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 }) }
}

const messages = [{ role: 'user' as const, content: 'How deep is the reservoir?' }]

/** A worker that waits until it is told to go on, and tells when it was called and called off. */
function gatedWorker(first: readonly CompletionChunk[] = []): {
  readonly worker: ModelWorker
  readonly called: Promise<void>
  readonly calledOff: Promise<void>
  open(): void
} {
  const [called, calledOff, opened] = [
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
  ]
  const worker = defineWorker({
    info: { id: 'gated', provider: 'test', models: ['gated'], capabilities: ['chat', 'stream'] },
    async *inferStream(_prompt, { signal }) {
      signal.addEventListener('abort', () => {
        calledOff.resolve()
      })
      called.resolve()
      yield* first
      await opened.promise
      yield { text: 'done', finishReason: 'stop' }
    },
  })
  return { worker, called: called.promise, calledOff: calledOff.promise, open: opened.resolve }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

describe('an answer', () => {
  test('quotes the document that holds it, in one piece and streamed', async () => {
    const retriever = createSqliteRetriever({ path: ':memory:' })
    closing.push(() => retriever.close())
    await retriever.add([
      { source: 'reservoir.md', text: '# The reservoir\n\nIt is 43 metres deep.' },
      { source: 'turbine.md', text: '# The turbine\n\nIt turns 300 times a minute.' },
    ])
    const { client } = await serve({ worker: echo(), retriever, topK: 1 })
    const whole = await client.chat.completions.create({ model: 'echo', messages })
    const answer = whole.choices[0]!.message.content!
    expect(answer).toContain('reservoir.md')
    expect(answer).toContain('43 metres')
    expect(answer).not.toContain('turbine')
    expect(whole.choices[0]!.finish_reason).toBe('stop')

    const stream = await client.chat.completions.create({
      model: 'echo',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of stream) chunks.push(chunk)
    // The passages' tags have another name in every prompt.
    const plain = (text: string): string => text.replace(/passage-[0-9a-f]{32}/g, 'passage')
    const streamed = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')
    expect(plain(streamed)).toBe(plain(answer))
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage })
  })

  test('comes through from a model server, and stops where the request says', async () => {
    const model = await startOpenAiServer({ chunks: ['one ', 'two ', 'thr', 'ee four'] })
    closing.push(() => model.close())
    const { client } = await serve({ worker: openai({ baseUrl: model.baseUrl, model: 'fixture' }) })
    const answer = await client.chat.completions.create({ model: 'fixture', messages, stop: 'three' })
    expect(answer.choices[0]).toMatchObject({ message: { content: 'one two' }, finish_reason: 'stop' })
  })
})

describe('a refusal reaches the client as an error of its own class', () => {
  test('an unknown model', async () => {
    const { client } = await serve({ worker: echo() })
    const error: unknown = await client.chat.completions
      .create({ model: 'gpt', messages })
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(OpenAI.NotFoundError)
    expect(error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' })
  })

  test('an overloaded pipeline, and the ledger and the metrics tell the same', async () => {
    const { worker, open } = gatedWorker()
    const { client, running, url } = await serve({ worker, inferenceConcurrency: 1 }, { scale: 1 / 512 })
    const asked = Array.from({ length: 10 }, () =>
      client.chat.completions.create({ model: 'gated', messages }).then(
        () => 'completed',
        (thrown: unknown) => {
          expect(thrown).toBeInstanceOf(OpenAI.RateLimitError)
          const { headers, code } = thrown as InstanceType<typeof OpenAI.RateLimitError>
          expect(Number(headers.get('retry-after'))).toBe(Math.ceil(Number(headers.get('retry-after-ms')) / 1000))
          expect(code).toBe('overloaded')
          return 'shed'
        },
      ),
    )
    await until(() => running.ledger().submitted === 10)
    open()
    const ends = await Promise.all(asked)
    const { completed, shed } = running.ledger()
    expect(completed).toBeGreaterThan(0)
    expect(shed).toBeGreaterThan(0)
    expect(ends.filter((end) => end === 'completed').length).toBe(completed)
    expect(ends.filter((end) => end === 'shed').length).toBe(shed)
    const { ledger } = (await (await fetch(`${url}/v1/pipeline`)).json()) as { ledger: object }
    expect(ledger).toEqual(running.ledger())
  })

  test('a deadline that passes', async () => {
    const { worker } = gatedWorker()
    const { client } = await serve({ worker }, {}, { deadlineMs: 50 })
    await expect(client.chat.completions.create({ model: 'gated', messages })).rejects.toMatchObject({
      status: 504,
      code: 'deadline_exceeded',
    })
  })

  test('a model that does not begin in time', async () => {
    const { worker } = gatedWorker()
    const { client } = await serve({ worker, inferenceTimeoutMs: 50 })
    for (const stream of [true, false]) {
      await expect(client.chat.completions.create({ model: 'gated', messages, stream })).rejects.toMatchObject({
        status: 504,
        code: 'stage_timeout',
      })
    }
  })

  test('a model that breaks off: no end that could be taken for a whole answer', async () => {
    const worker = defineWorker({
      info: { id: 'broken', provider: 'test', models: ['broken'], capabilities: ['chat', 'stream'] },
      async *inferStream() {
        yield { text: 'the first half' }
        throw new WorkerError('broken', 'broke off', { status: 500 })
      },
    })
    const { client, running } = await serve({ worker })
    const stream = await client.chat.completions.create({ model: 'broken', messages, stream: true })
    let received = ''
    const reading = (async () => {
      for await (const chunk of stream) received += chunk.choices[0]?.delta.content ?? ''
    })()
    await expect(reading).rejects.toMatchObject({ code: 'model_failed' })
    expect('the first half'.startsWith(received)).toBe(true)
    await expect(client.chat.completions.create({ model: 'broken', messages })).rejects.toMatchObject({ status: 502 })
    expect(running.ledger()).toMatchObject({ submitted: 2, failed: 2 })
  })
})

describe('a client that leaves', () => {
  test.each([true, false])('while the model works frees the slot and the model, stream: %s', async (stream) => {
    const { worker, called, calledOff } = gatedWorker([{ text: 'first ' }, { text: 'second' }])
    const { client, running } = await serve({ worker, inferenceConcurrency: 1 })
    const leaving = new AbortController()
    const asked = client.chat.completions.create({ model: 'gated', messages, stream }, { signal: leaving.signal })
    if (stream) {
      const iterator = ((await asked) as AsyncIterable<unknown>)[Symbol.asyncIterator]()
      expect((await iterator.next()).done).toBe(false)
      leaving.abort()
    } else {
      asked.catch(() => undefined)
      await called
      leaving.abort()
    }
    await calledOff
    await until(() => running.ledger().cancelled === 1)
    await until(() => running.stages['inference']!.running === 0)
    expect(running.ledger()).toMatchObject({ submitted: 1, cancelled: 1, inFlight: 0 })
  })

  test.each([true, false])('while its request waits frees its place, stream: %s', async (stream) => {
    const { worker, called, open } = gatedWorker()
    const { client, running } = await serve({ worker, inferenceConcurrency: 1 })
    const first = client.chat.completions.create({ model: 'gated', messages })
    const answered = first.then(({ choices }) => choices[0]!.message.content)
    await called
    const leaving = new AbortController()
    const asked = client.chat.completions.create({ model: 'gated', messages, stream }, { signal: leaving.signal })
    asked.catch(() => undefined)
    await until(() => running.stages['inference']!.queueDepth === 1)
    leaving.abort()
    await until(() => running.ledger().cancelled === 1)
    expect(running.stages['inference']!.queueDepth).toBe(0)
    open()
    expect(await answered).toBe('done')
  })
})

test('a client that stops reading is cut off, and finds out why if it reads on', async () => {
  let written = 0
  const worker = defineWorker({
    info: { id: 'endless', provider: 'test', models: ['endless'], capabilities: ['chat', 'stream'] },
    async *inferStream() {
      for (;;) {
        written++
        yield { text: 'x'.repeat(10_000) }
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  })
  const { running, url } = await serve({ worker }, { stallTimeoutMs: 300 })
  const request = httpRequest(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  })
  request.end(JSON.stringify({ messages, stream: true }))
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  await until(() => running.ledger().cancelled === 1)
  // What the sockets and the request's buffer hold, and no more.
  expect(written).toBeLessThan(5_000)
  const frames = (await text(response)).trimEnd().split('\n\n')
  expect(JSON.parse(frames.at(-1)!.slice('data: '.length))).toMatchObject({
    error: { code: 'cancelled', message: expect.stringContaining('stallTimeoutMs') as string },
  })
  expect(running.stages['inference']!.running).toBe(0)
})
