import { type Observable, take } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { infer } from '../../../src/stages/infer.ts'
import { defineWorker } from '../../../src/workers/define-worker.ts'
import { echo } from '../../../src/workers/echo.ts'
import type { CompletionChunk, ModelInfo, ModelWorker, Prompt } from '../../../src/workers/model-worker.ts'
import { openai } from '../../../src/workers/openai.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { chunksOf } from '../../fixtures/chunks-of.ts'
import { handlerContext } from '../../fixtures/handler-context.ts'
import { startOpenAiServer } from '../../fixtures/openai-server.ts'

const prompt: Prompt = { messages: [{ role: 'user', content: 'one two' }] }
const info: ModelInfo = { id: 'test', provider: 'test', models: ['test'], capabilities: ['chat', 'stream'] }

/** A worker that answers once and then waits, and the signal of its only call. */
function waitingWorker(): { worker: ModelWorker; call: () => AbortSignal | undefined } {
  let seen: AbortSignal | undefined
  const worker = defineWorker({
    info,
    async *inferStream(_, { signal }): AsyncGenerator<CompletionChunk> {
      seen = signal
      yield { text: 'first' }
      await new Promise(() => {})
    },
  })
  return { worker, call: () => seen }
}

/** Reads one chunk of a stream and unsubscribes. */
function firstChunk(stream: Observable<CompletionChunk>): Promise<CompletionChunk> {
  return new Promise((resolve, reject) => {
    stream.pipe(take(1)).subscribe({ next: resolve, error: reject })
  })
}

describe('infer', () => {
  test("is the worker's answer as a stream", async () => {
    const chunks = await chunksOf(infer({ worker: echo() })(prompt, handlerContext({ request: undefined })))
    expect(chunks).toEqual([
      { text: 'one' },
      { text: ' two', finishReason: 'stop', usage: { promptTokens: 2, completionTokens: 2 } },
    ])
  })

  test('counts by model the tokens and the time to the first chunk with text', async () => {
    const clock = new VirtualClock()
    const context = handlerContext({ request: undefined, clock })
    const chunks = chunksOf(infer({ worker: echo({ delayMs: 40, clock }) })(prompt, context))
    await clock.runAll()
    await chunks
    expect(Object.fromEntries(context.meter.tokens)).toEqual({ echo: { input: 2, output: 2 } })
    expect(context.meter.firstTokens.get('echo')).toMatchObject({ count: 1, sumMs: 40 })
  })

  test('does nothing before it is subscribed', async () => {
    let calls = 0
    const worker = defineWorker({ info, infer: async () => ({ text: `${++calls}`, finishReason: 'stop' }) })
    const answer$ = infer({ worker })(prompt, handlerContext({ request: undefined }))
    await new Promise(setImmediate)
    expect(calls).toBe(0)
    expect(await chunksOf(answer$)).toMatchObject([{ text: '1' }])
  })

  test.each<[string, CompletionChunk]>([
    ['a thought', { text: '', reasoning: 'hm' }],
    ['a refusal', { text: '', refusal: 'no' }],
    ['a call of a tool', { text: '', toolCalls: [{ index: 0, id: 'c', name: 'look', arguments: '' }] }],
  ])('the first token may be %s', async (_, chunk) => {
    const clock = new VirtualClock()
    const worker = defineWorker({
      info,
      async *inferStream() {
        yield { text: '' }
        await clock.advance(30)
        yield chunk
        await clock.advance(30)
        yield { text: 'late' }
      },
    })
    const context = handlerContext({ request: undefined, clock })
    await chunksOf(infer({ worker })(prompt, context))
    expect([...context.meter.firstTokens.values()]).toMatchObject([{ count: 1, sumMs: 30 }])
  })

  test("aborts the worker's call when the stream is unsubscribed", async () => {
    const { worker, call } = waitingWorker()
    await firstChunk(infer({ worker })(prompt, handlerContext({ request: undefined })))
    expect(call()?.aborted).toBe(true)
  })

  test("aborts the worker's call and errors when the request is settled", async () => {
    const { worker, call } = waitingWorker()
    const request = new AbortController()
    const answer$ = infer({ worker })(prompt, handlerContext({ request: undefined, signal: request.signal }))
    const error = await new Promise((resolve) => {
      answer$.subscribe({
        next: () => {
          request.abort(new Error('expired'))
        },
        error: resolve,
      })
    })
    expect(error).toBe(request.signal.reason)
    expect(call()?.reason).toBe(request.signal.reason)
  })

  test("closes the model's connection when the stream is unsubscribed, so that the model stops", async () => {
    await using server = await startOpenAiServer({ endless: true })
    const worker = openai({ baseUrl: server.baseUrl, model: 'fixture' })
    await firstChunk(infer({ worker })(prompt, handlerContext({ request: undefined })))
    expect(await (await server.request(0)).closed).toMatchObject({ complete: false })
    expect(server.concurrency).toBe(0)
  })

  test("the worker's error is the stream's", async () => {
    const worker = defineWorker({ info, infer: () => Promise.reject(new Error('no weights')) })
    const answer$ = infer({ worker })(prompt, handlerContext({ request: undefined }))
    await expect(chunksOf(answer$)).rejects.toThrow('no weights')
  })

  test.each([[{}], [{ worker: 'echo' }], [{ worker: {} }], [{ worker: echo(), model: 'x' }], [undefined]])(
    'refuses the options %o',
    (options) => {
      expect(() => infer(options as never)).toThrow(TypeError)
    },
  )
})
