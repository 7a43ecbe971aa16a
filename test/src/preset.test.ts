import { expect, test } from 'vitest'
import { chatPipeline, type ChatPipelineOptions } from '../../src/preset.ts'
import { textFilter } from '../../src/stages/chunk-filter.ts'
import { echo } from '../../src/workers/index.ts'

test('five stages, with the channels that the documents promise', () => {
  const { name, stages } = chatPipeline({ worker: echo() }).topology
  expect(name).toBe('chat')
  expect(stages.map((stage) => [stage.name, stage.capacity, stage.concurrency, stage.timeoutMs])).toEqual([
    ['rag', 512, 32, Infinity],
    ['assemble', 512, 8, Infinity],
    ['inference', 512, 16, 60_000],
    ['post', 1024, 1, Infinity],
    ['stream', 512, 1, Infinity],
  ])
})

test('a higher priority is asked first by the model', async () => {
  const worker = echo({ chunkDelayMs: 1 })
  const running = chatPipeline({ worker, inferenceConcurrency: 1 }).start()
  const ends: string[] = []
  const answers = (['normal', 'low', 'high', undefined] as const).map(async (priority, index) => {
    const reply = running.submit({ input: String(index), ...(priority !== undefined && { priority }) })
    for await (const _ of reply);
    ends.push(`${index} ${priority}`)
  })
  await Promise.all(answers)
  expect(ends).toEqual(['0 normal', '2 high', '3 undefined', '1 low'])
  await running.drain()
})

test('every option reaches its stage', async () => {
  const retriever = {
    search: async (query: string, options?: { topK?: number }) => [
      { source: 'a.md', headings: [], text: `${query} ${options?.topK}`, score: 1 },
    ],
  }
  const running = chatPipeline({
    worker: echo(),
    retriever,
    topK: 7,
    system: 'SYSTEM',
    template: '{{ system }} {{ passages[0].text }} {{ passages[0].source }}',
    stop: ['STOP'],
    filters: [textFilter(() => ({ push: (piece) => piece.toLowerCase(), end: () => '' }))],
    inferenceConcurrency: 3,
    inferenceTimeoutMs: 5,
  }).start()
  let text = ''
  for await (const chunk of running.submit({ input: 'question STOP here' })) text += chunk.text
  // The echo model answers with the prompt, whose first STOP is that of the passage.
  expect(text).toBe('system question')
  expect(running.stages.inference).toMatchObject({ concurrency: 3 })
  await running.drain()
})

test('what leaves is redacted, after the filters', async () => {
  const running = chatPipeline({
    worker: echo(),
    template: '{{ system }}',
    system: 'ask ann~example.org or +49 30 1234567.',
    filters: [textFilter(() => ({ push: (piece) => piece.replace('~', '@'), end: () => '' }))],
    redact: { kinds: { phone: 'remove' } },
  }).start()
  let text = ''
  for await (const chunk of running.submit({ input: 'hello' })) text += chunk.text
  expect(text).toContain('ask [email] or .')
  await running.drain()
})

test.each<[object, string]>([
  [{}, 'worker must be a ModelWorker'],
  [{ worker: echo(), inferenceConcurrency: 0 }, 'inferenceConcurrency must be a whole number from 1 to'],
  [{ worker: echo(), inferenceTimeoutMs: 0 }, 'inferenceTimeoutMs must be a whole number from 1 to'],
  [{ worker: echo(), retriever: {} }, 'retriever.search must be a function'],
  [{ worker: echo(), template: '{{' }, 'template must be a valid Jinja template'],
  [{ worker: echo(), topk: 4 }, 'unknown option "topk"'],
])('options that are wrong are named: %j', (options, message) => {
  expect(() => chatPipeline(options as ChatPipelineOptions)).toThrow(message)
})
