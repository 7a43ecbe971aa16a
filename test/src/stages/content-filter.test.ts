import { from, Observable } from 'rxjs'
import { expect, test } from 'vitest'
import { StageMeter } from '../../../src/metrics/stage-meter.ts'
import type { ChunkFilter } from '../../../src/stages/chunk-filter.ts'
import { patternFilter, wordFilter } from '../../../src/stages/content-filter.ts'
import { post } from '../../../src/stages/post.ts'
import type { CompletionChunk } from '../../../src/workers/model-worker.ts'
import { chunksOf } from '../../fixtures/chunks-of.ts'
import { handlerContext } from '../../fixtures/handler-context.ts'

const pieces = ['The pass', 'word: swordfish', ' is se', 'cret.']

async function run(filters: readonly ChunkFilter[], chunks: readonly CompletionChunk[]) {
  const meter = new StageMeter()
  const stream$ = post({ filters })(from(chunks), handlerContext({ request: undefined, meter }))
  const passed = await chunksOf(stream$)
  const textIn = (field: 'text' | 'reasoning'): string => passed.map((chunk) => chunk[field] ?? '').join('')
  return { passed, text: textIn('text'), reasoning: textIn('reasoning'), counts: meter.counts.get('contentMatches') }
}

const texts = pieces.map((text) => ({ text }))

test('matches are masked in every text, and counted by the name of the filter', async () => {
  const filters = [
    wordFilter({ words: ['secret'] }),
    patternFilter({ patterns: ['(?i)password:\\s*\\S+'], name: 'credentials', mask: '[…]' }),
  ]
  const both = pieces.map((piece) => ({ text: piece, reasoning: piece }))
  const { text, reasoning, counts } = await run(filters, both)
  expect([text, reasoning]).toEqual(['The […] is ***.', 'The […] is ***.'])
  expect(counts).toEqual(
    new Map([
      ['words', 2],
      ['credentials', 2],
    ]),
  )
})

test('matches are taken out, and what they leave is trimmed', async () => {
  expect((await run([patternFilter({ patterns: ['is .*'], action: 'remove' })], texts)).text).toBe(
    'The password: swordfish',
  )
})

test.each(['mask', 'remove'] as const)('nothing of a key of 10,000 characters passes: %s', async (action) => {
  const key = `sk-${'aB3dE'.repeat(2_000)}`
  const filters = [patternFilter({ patterns: ['sk-[A-Za-z0-9]{20,}'], action })]
  const chunks = `Use ${key}, then`.match(/.{1,7}/g)?.map((piece) => ({ text: piece, reasoning: piece })) ?? []
  const { text, reasoning, counts } = await run(filters, chunks)
  expect(text).toBe(action === 'mask' ? 'Use ***, then' : 'Use , then')
  expect(reasoning).toBe(text)
  expect(counts?.get('patterns')).toBe(2)
})

test('a match ends the answer, and the generation', async () => {
  let open = true
  const source$ = new Observable<CompletionChunk>((subscriber) => {
    subscriber.add(() => {
      open = false
    })
    for (const chunk of texts) subscriber.next(chunk)
  })
  const filters = [wordFilter({ words: ['swordfish'], action: 'end' })]
  const passed = await chunksOf(post({ filters })(source$, handlerContext({ request: undefined })))
  expect(passed.map(({ text }) => text).join('')).toBe('The password:')
  expect(passed.at(-1)?.finishReason).toBe('content_filter')
  expect(open).toBe(false)
})

test('only the texts that are asked for are filtered', async () => {
  const filters = [wordFilter({ words: ['secret'], fields: ['reasoning'] })]
  const { text, reasoning } = await run(filters, [{ text: 'secret', reasoning: 'secret' }])
  expect([text, reasoning]).toEqual(['secret', '***'])
})

test.each<[string, () => unknown]>([
  ['words must not be empty', () => wordFilter({ words: [] })],
  ['words[1] must not be empty', () => wordFilter({ words: ['a', ''] })],
  ['words[0] must be at most 256 long, got 257', () => wordFilter({ words: ['a'.repeat(257)] })],
  ['words[1] must have a character that can be seen', () => wordFilter({ words: ['a', '\u200b\u00ad'] })],
  ['unknown option "patterns"', () => wordFilter({ words: ['a'], patterns: ['b'] } as never)],
  ['patterns must be an array of texts', () => patternFilter({ patterns: 'a' } as never)],
  [
    'maxMatchChars must be a whole number from 1 to 4096, got 0',
    () => patternFilter({ patterns: ['a'], maxMatchChars: 0 }),
  ],
  ['patterns[1] must not be empty', () => patternFilter({ patterns: ['a', ''] })],
  [
    'patterns[0] must match within 256 characters, got "sk-[a-z]{300,}", which takes 303',
    () => patternFilter({ patterns: ['sk-[a-z]{300,}'] }),
  ],
  ['action must be one of "mask", "remove", "end"', () => wordFilter({ words: ['a'], action: 'drop' } as never)],
  ['mask is for action "mask", got it with "end"', () => wordFilter({ words: ['a'], action: 'end', mask: '-' })],
  ['name must not be empty', () => wordFilter({ words: ['a'], name: '' })],
  ['fields[0] must be one of', () => wordFilter({ words: ['a'], fields: ['all'] } as never)],
])('options that are wrong are named: %s', (message, create) => {
  expect(create).toThrow(message)
})
