import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { from, map } from 'rxjs'
import { expect, test } from 'vitest'
import { chatPipeline } from '../../../src/preset.ts'
import type { ChunkFilter } from '../../../src/stages/chunk-filter.ts'
import { patternFilter, wordFilter } from '../../../src/stages/content-filter.ts'
import { post } from '../../../src/stages/post.ts'
import { defineWorker } from '../../../src/workers/define-worker.ts'
import type { CompletionChunk } from '../../../src/workers/model-worker.ts'
import { chunksOf } from '../../fixtures/chunks-of.ts'
import { handlerContext } from '../../fixtures/handler-context.ts'
import { cut } from './filtered.ts'
import { textOf } from './filters-under-test.ts'

const filters = [
  wordFilter({ words: ['cat', 'black cat'], action: 'remove' }),
  wordFilter({ words: ['dog'], mask: 'black cat' }),
  wordFilter({ words: ['fin'], action: 'end', fields: ['text'] }),
  patternFilter({ patterns: ['\\s+x', 'a{3,}'], mask: ' ' }),
  patternFilter({ patterns: ['STOP', '^#+'], action: 'remove' }),
]

interface Answer {
  text: string
  reasoning: string
  finishReason?: string | undefined
}

/** What a client makes of the chunks: the texts of each choice, and how it ended. */
async function answers(chain: readonly ChunkFilter[], chunks: readonly CompletionChunk[]): Promise<Answer[]> {
  const request = { parameters: { stop: ['STOP', 'cat.'], n: 2 } }
  const result: Answer[] = [
    { text: '', reasoning: '' },
    { text: '', reasoning: '' },
  ]
  for (const chunk of await chunksOf(
    post({ filters: chain, stop: ['</s>'] })(from(chunks), handlerContext({ request })),
  )) {
    const answer = result[chunk.choice ?? 0] as Answer
    answer.text += chunk.text
    answer.reasoning += chunk.reasoning ?? ''
    answer.finishReason ??= chunk.finishReason
  }
  return result
}

test('filters in any order do not depend together on how texts are split, whatever their choices do meanwhile', async () => {
  const text = textOf(['black cat', 'cat', 'dog', 'fin', 'STOP', '</s>', '   x', 'aaaa', '##'])
  const places = fc.array(fc.nat(100), { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(filters, { minLength: 1 }),
      fc.tuple(text, text, text),
      fc.tuple(places, places, places),
      async (chain, texts, cuts) => {
        const whole = texts.map((one) => [one])
        const split = texts.map((one, index) =>
          cut(
            one,
            (cuts[index] ?? []).map((place) => place % (one.length + 1)),
          ),
        )
        const chunksOfPieces = (pieces: readonly (readonly string[])[]): CompletionChunk[] => {
          const chunks: CompletionChunk[] = []
          for (let turn = 0; turn < Math.max(...pieces.map((one) => one.length)); turn++) {
            const [first, second, reasoning] = pieces.map((one) => one[turn])
            if (first !== undefined) chunks.push({ text: first })
            if (second !== undefined) chunks.push({ text: second, choice: 1 })
            if (reasoning !== undefined) chunks.push({ text: '', reasoning, choice: 1 })
          }
          return [...chunks, { text: '', finishReason: 'length' }, { text: '', finishReason: 'length', choice: 1 }]
        }
        const [one, other] = [await answers(chain, chunksOfPieces(whole)), await answers(chain, chunksOfPieces(split))]
        const seen = ({ text: said, finishReason }: Answer): unknown => ({ said, finishReason })
        expect(other.map(seen)).toEqual(one.map(seen))
        // Where the answer ends, its reasoning ends, too, as far as it had come.
        if (one[1]?.finishReason === 'length') expect(other[1]?.reasoning).toBe(one[1].reasoning)
      },
    ),
    { numRuns: 500 },
  )
})

/** A model that goes on until it is told to stop, and what became of it. */
function endlessWorker() {
  const seen = { given: 0, closed: false }
  const worker = defineWorker({
    info: { id: 'endless', provider: 'test', models: ['endless'], capabilities: ['chat', 'stream'] },
    async *inferStream() {
      try {
        for (;;) {
          seen.given++
          yield await Promise.resolve({ text: `${seen.given} secret ` })
        }
      } finally {
        seen.closed = true
      }
    },
  })
  return { worker, seen }
}

test('a reader that pauses pauses the model, and one that leaves stops it', async () => {
  const { worker, seen } = endlessWorker()
  const running = chatPipeline({ worker, filters: [wordFilter({ words: ['secret'] }), ...filters] }).start({
    streamBuffer: 4,
  })
  const reader = running.submit({ input: 'go' })[Symbol.asyncIterator]()
  await reader.next()
  for (let turn = 0; turn < 100; turn++) await setImmediate()
  // The buffer, the chunk that was read, and one in each filter's hands.
  expect(seen.given).toBeLessThan(16)
  await reader.return?.()
  for (let turn = 0; turn < 10; turn++) await setImmediate()
  expect(seen.closed).toBe(true)
  await running.drain()
})

/** Not made by `textFilter`. */
function strict(): ChunkFilter {
  return (chunks) =>
    chunks.pipe(
      map((chunk) => {
        if (chunk.text.includes('bad')) throw new Error('not that')
        return chunk
      }),
    )
}

test('a filter of a user that throws fails its own request', async () => {
  const worker = defineWorker({
    info: { id: 'parrot', provider: 'test', models: ['parrot'], capabilities: ['chat', 'stream'] },
    async *inferStream({ messages }) {
      yield await Promise.resolve({ text: messages.at(-1)?.content ?? '' })
    },
  })
  const running = chatPipeline({ worker, filters: [strict()] }).start()
  const replies = ['good', 'bad', 'good'].map((input) => running.submit({ input }))
  const outcomes = await Promise.all(
    replies.map(async (reply) => {
      try {
        for await (const chunk of reply) expect(chunk.text).not.toContain('bad')
      } catch (error) {
        expect(error).toMatchObject({ code: 'stage_failed', stage: 'post' })
      }
      return (await reply.outcome).kind
    }),
  )
  expect(outcomes).toEqual(['completed', 'failed', 'completed'])
  await running.drain()
})
