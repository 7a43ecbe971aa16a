import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { modelWorkerContract } from '../../../src/testing/model-worker-contract.ts'
import { defineWorker } from '../../../src/workers/define-worker.ts'
import type { WorkerDefinition } from '../../../src/workers/worker-definition.ts'
import type { Completion, CompletionChunk, ModelInfo, Prompt } from '../../../src/workers/model-worker.ts'
import { readAll } from '../../fixtures/read-all.ts'

const info: ModelInfo = {
  id: 'parrot',
  provider: 'test',
  models: ['parrot', 'cockatoo'],
  capabilities: ['chat', 'stream'],
}
const prompt: Prompt = { messages: [{ role: 'user', content: 'one two three' }] }

const lastWords = (asked: Prompt): string => asked.messages.at(-1)?.content ?? ''

async function* letters(asked: Prompt): AsyncGenerator<CompletionChunk> {
  for (const text of lastWords(asked)) yield { text }
  yield { text: '', finishReason: 'stop', usage: { promptTokens: 3, completionTokens: 4 } }
}

async function whole(asked: Prompt): Promise<Completion> {
  return { text: lastWords(asked), finishReason: 'stop' }
}

/** A source that looks at no signal: it waits for ever, and tells when it was closed. */
function deafSource(): {
  open: () => AsyncIterable<CompletionChunk>
  opened: Promise<unknown>
  closed: Promise<unknown>
} {
  const opened = Promise.withResolvers<undefined>()
  const closed = Promise.withResolvers<undefined>()
  let sent = false
  const source: AsyncIterator<CompletionChunk> = {
    next() {
      opened.resolve(undefined)
      if (sent) return new Promise(() => {})
      sent = true
      return Promise.resolve({ done: false, value: { text: 'first' } })
    },
    return() {
      closed.resolve(undefined)
      return Promise.resolve({ done: true, value: undefined })
    },
  }
  return { open: () => ({ [Symbol.asyncIterator]: () => source }), opened: opened.promise, closed: closed.promise }
}

function endlessSubject(): ReturnType<Parameters<typeof modelWorkerContract>[1]['createEndless']> {
  const { open, opened, closed } = deafSource()
  return { worker: defineWorker({ info, inferStream: open }), sourceOpened: () => opened, sourceClosed: () => closed }
}

for (const check of [
  ...modelWorkerContract('a worker that streams', {
    create: () => ({ worker: defineWorker({ info, inferStream: letters }) }),
    createEndless: endlessSubject,
  }),
  ...modelWorkerContract('a worker that answers in one piece', {
    create: () => ({ worker: defineWorker({ info, infer: whole }) }),
    createEndless: endlessSubject,
  }),
]) {
  test(check.name, check.run)
}

describe('what is derived', () => {
  test('a stream from infer is one chunk with everything in it', async () => {
    const worker = defineWorker({ info, infer: whole })
    const chunks = await readAll(worker.inferStream(prompt))
    expect(chunks).toEqual([{ text: 'one two three', finishReason: 'stop' }])
  })

  test('a completion from a stream that says no reason ends with stop and has no usage', async () => {
    const worker = defineWorker({
      info,
      async *inferStream() {
        yield { text: 'a' }
        yield { text: 'b' }
      },
    })
    expect(await worker.infer(prompt)).toEqual({ text: 'ab', finishReason: 'stop' })
  })

  test('a batch never has more calls at the same time than batchConcurrency, keeps the order and answers all', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 20 }),
        fc.scheduler(),
        async (limit, count, s) => {
          let running = 0
          let most = 0
          const worker = defineWorker({
            info,
            batchConcurrency: limit,
            async infer(asked) {
              most = Math.max(most, ++running)
              await s.schedule(Promise.resolve())
              running--
              return whole(asked)
            },
          })
          const prompts = Array.from({ length: count }, (_, n) => ({
            messages: [{ role: 'user' as const, content: `${n}` }],
          }))
          const completions = await s.waitFor(worker.inferBatch(prompts))
          expect(completions.map((completion) => completion.text)).toEqual(prompts.map((asked) => lastWords(asked)))
          expect(most).toBe(Math.min(limit, count))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('a batch that fails cancels the others and starts none', async () => {
    const aborted: unknown[] = []
    let calls = 0
    const worker = defineWorker({
      info,
      batchConcurrency: 2,
      infer: (asked, { signal }) => {
        calls++
        if (lastWords(asked) === 'bad') return Promise.reject(new Error('bad one'))
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted.push(signal.reason)
            reject(signal.reason)
          })
        })
      },
    })
    const ask = (content: string): Prompt => ({ messages: [{ role: 'user', content }] })
    await expect(worker.inferBatch(['slow', 'bad', 'never'].map(ask))).rejects.toThrow('bad one')
    expect(aborted).toMatchObject([{ message: 'bad one' }])
    expect(calls).toBe(2)
  })

  test('a batch that is aborted cancels its calls', async () => {
    const call = new AbortController()
    const seen: AbortSignal[] = []
    const begun = Promise.withResolvers<undefined>()
    const worker = defineWorker({
      info,
      infer: (_, { signal }) => {
        if (seen.push(signal) === 2) begun.resolve(undefined)
        return new Promise(() => {})
      },
    })
    const batch = worker.inferBatch([prompt, prompt], { signal: call.signal })
    await begun.promise
    call.abort(new Error('whole batch'))
    await expect(batch).rejects.toThrow('whole batch')
    expect(seen.map((signal) => signal.reason as unknown)).toEqual([call.signal.reason, call.signal.reason])
  })

  test('health is healthy unless the definition says otherwise, and close does nothing', async () => {
    const worker = defineWorker({ info, infer: whole })
    expect(await worker.health()).toEqual({ healthy: true, latencyMs: 0 })
    await worker.close()
  })

  test('a health check that throws is reported', async () => {
    const worker = defineWorker({ info, infer: whole, health: () => Promise.reject(new Error('no route')) })
    expect(await worker.health()).toEqual({ healthy: false, reason: 'no route' })
  })

  test('close is called once', async () => {
    let closed = 0
    const worker = defineWorker({
      info,
      infer: whole,
      close: async () => {
        closed++
      },
    })
    await Promise.all([worker.close(), worker.close()])
    expect(closed).toBe(1)
  })
})

describe('calls', () => {
  test('the implementer is not called for an aborted signal, a bad prompt, or a stream that nobody reads', async () => {
    let calls = 0
    const worker = defineWorker({
      info,
      inferStream: (asked) => (calls++, letters(asked)),
      infer: (asked) => (calls++, whole(asked)),
      inferBatch: (asked) => (calls++, Promise.all(asked.map(whole))),
    })
    const signal = AbortSignal.abort(new Error('gone'))
    await expect(worker.infer(prompt, { signal })).rejects.toThrow('gone')
    await expect(readAll(worker.inferStream(prompt, { signal }))).rejects.toThrow('gone')
    await expect(worker.inferBatch([prompt], { signal })).rejects.toThrow('gone')
    await expect(worker.infer({ messages: [] })).rejects.toThrow('messages must hold at least one message')
    worker.inferStream(prompt)
    expect(calls).toBe(0)
  })

  test('an early return closes the source and aborts its signal', async () => {
    let seen: AbortSignal | undefined
    let closed = false
    const worker = defineWorker({
      info,
      async *inferStream(_, { signal }) {
        seen = signal
        try {
          for (;;) yield { text: 'more' }
        } finally {
          closed = true
        }
      },
    })
    for await (const chunk of worker.inferStream(prompt)) {
      expect(chunk.text).toBe('more')
      break
    }
    expect(closed).toBe(true)
    expect(seen?.aborted).toBe(true)
  })

  test('an answer that was read to its end leaves its signal alone', async () => {
    let seen: AbortSignal | undefined
    const worker = defineWorker({ info, inferStream: (asked, { signal }) => ((seen = signal), letters(asked)) })
    await worker.infer(prompt)
    expect(seen?.aborted).toBe(false)
  })

  test('an abort between two reads is told to the next one', async () => {
    const call = new AbortController()
    const worker = defineWorker({ info, inferStream: letters })
    const chunks = worker.inferStream(prompt, { signal: call.signal })[Symbol.asyncIterator]()
    await chunks.next()
    call.abort(new Error('between'))
    await expect(chunks.next()).rejects.toThrow('between')
  })

  test('a second read that waits behind the first is rejected, too', async () => {
    const call = new AbortController()
    const { open } = deafSource()
    const worker = defineWorker({ info, inferStream: open })
    const chunks = worker.inferStream(prompt, { signal: call.signal })[Symbol.asyncIterator]()
    await chunks.next()
    const reads = Promise.allSettled([chunks.next(), chunks.next()])
    call.abort(new Error('both'))
    expect((await reads).map((read) => read.status)).toEqual(['rejected', 'rejected'])
  })

  test.each<[string, WorkerDefinition['inferStream']]>([
    [
      'throws when it is called',
      () => {
        throw new Error('broken')
      },
    ],
    [
      'rejects its first read',
      () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('broken')) }) }),
    ],
    [
      'throws in next',
      () => ({
        [Symbol.asyncIterator]: () => ({
          next: () => {
            throw new Error('broken')
          },
        }),
      }),
    ],
  ])('an implementer that %s ends the stream with its error', async (_, inferStream) => {
    const chunks = defineWorker({ info, inferStream: inferStream! }).inferStream(prompt)[Symbol.asyncIterator]()
    await expect(chunks.next()).rejects.toThrow('broken')
    expect(await chunks.next()).toEqual({ done: true, value: undefined })
  })

  test('an implementer whose infer throws instead of rejecting is a rejection', async () => {
    const worker = defineWorker({
      info,
      infer: () => {
        throw new Error('broken')
      },
    })
    await expect(worker.infer(prompt)).rejects.toThrow('broken')
  })
})

describe('the definition', () => {
  test.each<[string, object]>([
    ['one of inferStream and infer', { info }],
    ['info', { infer: whole }],
    ['info.id', { info: { ...info, id: '' }, infer: whole }],
    ['info.provider', { info: { ...info, provider: 7 }, infer: whole }],
    ['info.models', { info: { ...info, models: [] }, infer: whole }],
    ['info.models', { info: { ...info, models: 'parrot' }, infer: whole }],
    ['info.models[1]', { info: { ...info, models: ['parrot', ''] }, infer: whole }],
    ['info.capabilities[0]', { info: { ...info, capabilities: ['dance'] }, infer: whole }],
    ['info.contextWindow', { info: { ...info, contextWindow: 0 }, infer: whole }],
    ['infer', { info, infer: 'yes' }],
    ['health', { info, infer: whole, health: true }],
    ['batchConcurrency', { info, infer: whole, batchConcurrency: 0 }],
    ['"inferAll"', { info, infer: whole, inferAll: whole }],
  ])('is refused by the name of the field: %s', (field, definition) => {
    expect(() => defineWorker(definition as unknown as WorkerDefinition)).toThrow(field)
  })
})
