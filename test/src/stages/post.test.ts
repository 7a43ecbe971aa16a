import fc from 'fast-check'
import { from, Observable, Subject } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { post, type PostOptions } from '../../../src/stages/post.ts'
import type { CompletionChunk } from '../../../src/workers/model-worker.ts'
import { chunksOf } from '../../fixtures/chunks-of.ts'
import { handlerContext } from '../../fixtures/handler-context.ts'

/** The definition, on the whole text: the first stop sequence that becomes complete ends it; then it is trimmed. */
function expected(text: string, stops: readonly string[], trim: boolean): { text: string; stopped: boolean } {
  let cut = text
  let stopped = false
  for (let end = 1; end <= text.length && !stopped; end++) {
    const seen = text.slice(0, end)
    const complete = stops.filter((stop) => seen.endsWith(stop))
    if (complete.length === 0) continue
    cut = seen.slice(0, end - Math.max(...complete.map((stop) => stop.length)))
    stopped = true
  }
  return { text: trim ? cut.trim() : cut, stopped }
}

async function run(
  chunks: readonly CompletionChunk[],
  options: PostOptions = {},
  request: unknown = {},
): Promise<CompletionChunk[]> {
  const stream$ = post(options)(from(chunks), handlerContext({ request }))
  return chunksOf(stream$)
}

const textOf = (chunks: readonly CompletionChunk[]): string => chunks.map((chunk) => chunk.text).join('')

// Few letters, so that stop sequences overlap themselves, each other and the text; half a pair is a letter, too.
const letter = fc.constantFrom('a', 'b', ' ', '\n', '\ud83d', '\ude00', '\ude01')
const text = fc.string({ unit: letter, maxLength: 30 })
const stops = fc.array(fc.string({ unit: letter, minLength: 1, maxLength: 5 }), { maxLength: 4 })

/** The text, cut at any places, between any two UTF-16 code units. */
const split = text.chain((whole) =>
  fc.array(fc.nat({ max: whole.length }), { maxLength: 12 }).map((places) => {
    const cuts = [0, ...places.toSorted((a, b) => a - b), whole.length]
    return { whole, pieces: cuts.slice(1).map((end, index) => whole.slice(cuts[index], end)) }
  }),
)

const prefixes = (stop: string): string[] => Array.from({ length: stop.length - 1 }, (_, n) => stop.slice(0, n + 1))

const longest = (texts: readonly string[]): number => Math.max(0, ...texts.map((held) => held.length))

const fail = (error: unknown): never => {
  throw error
}

describe('the text', () => {
  test('is that of the whole, wherever it is split', async () => {
    await fc.assert(
      fc.asyncProperty(split, stops, stops, fc.boolean(), async ({ whole, pieces }, own, asked, trim) => {
        const end: CompletionChunk = {
          text: '',
          finishReason: 'length',
          usage: { promptTokens: 1, completionTokens: pieces.length },
        }
        const chunks = await run(
          [...pieces.map((piece) => ({ text: piece })), end],
          { stop: own, trim },
          {
            parameters: { stop: asked },
          },
        )
        const result = expected(whole, [...own, ...asked], trim)
        expect(textOf(chunks)).toBe(result.text)
        const reasons = chunks.flatMap((chunk) => chunk.finishReason ?? [])
        expect(reasons).toEqual([result.stopped ? 'stop' : 'length'])
        expect(chunks.at(-1)?.finishReason).toBe(reasons[0])
        expect(chunks.at(-1)?.usage).toEqual(result.stopped ? undefined : end.usage)
        const untouched = !trim && own.length + asked.length === 0
        expect(untouched || chunks.slice(0, -1).every((chunk) => chunk.text !== '')).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test('is passed on as soon as it is safe', () => {
    fc.assert(
      fc.property(split, stops, fc.boolean(), ({ pieces }, own, trim) => {
        const source$ = new Subject<CompletionChunk>()
        let heard = ''
        post({ stop: own, trim })(source$, handlerContext({ request: undefined })).subscribe({
          next: (chunk) => {
            heard += chunk.text
          },
          error: fail,
        })
        let sent = ''
        for (const piece of pieces) {
          sent += piece
          source$.next({ text: piece })
          const { text: cut, stopped } = expected(sent, own, false)
          // What may still become part of a stop sequence is the longest end of the text that begins one.
          const held = stopped ? 0 : longest(own.flatMap(prefixes).filter((prefix) => cut.endsWith(prefix)))
          const safe = cut.slice(0, cut.length - held)
          expect(heard).toBe(trim ? safe.trim() : safe)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('stays as it is without stop sequences and trimming', () => {
    const source$ = from([{ text: ' a ' }])
    expect(post({ trim: false })(source$, handlerContext({ request: undefined }))).toBe(source$)
  })

  test('is trimmed by default', async () => {
    expect(textOf(await run([{ text: '\n ' }, { text: 'a' }, { text: ' ' }, { text: 'b\t' }, { text: '\n' }]))).toBe(
      'a b',
    )
  })

  test('with a chunk that needs no change is the very chunk', async () => {
    const chunk: CompletionChunk = { text: 'a' }
    expect((await run([chunk], { stop: ['b'] }))[0]).toBe(chunk)
  })

  test('takes time in proportion to its length, white space or not', async () => {
    const pieces = Array.from({ length: 20_000 }, () => ({ text: '          ' }))
    const stop = [`${' '.repeat(255)}x`]
    expect(textOf(await run([{ text: 'a' }, ...pieces, { text: 'b' }], { stop }))).toHaveLength(200_002)
  })
})

describe('a stop sequence', () => {
  test('is found in text that nearly has it, again and again', async () => {
    const ab = fc.constantFrom('a', 'b')
    const arbitraryText = fc.string({ unit: ab, maxLength: 80 })
    const arbitraryStops = fc.array(fc.string({ unit: ab, minLength: 4, maxLength: 12 }), {
      minLength: 1,
      maxLength: 2,
    })
    await fc.assert(
      fc.asyncProperty(arbitraryText, arbitraryStops, fc.integer({ min: 1, max: 9 }), async (whole, stop, size) => {
        const pieces = whole.match(new RegExp(`.{1,${size}}`, 'g')) ?? []
        const chunks = await run(
          pieces.map((piece) => ({ text: piece })),
          { stop },
        )
        expect(textOf(chunks)).toBe(expected(whole, stop, true).text)
      }),
      { numRuns: 3000 },
    )
  })

  test('that is complete first wins; of two that end there, the longer is cut off', async () => {
    expect(textOf(await run([{ text: 'xabcd' }], { stop: ['abcd', 'bc'] }))).toBe('xa')
    expect(textOf(await run([{ text: 'xabcd' }], { stop: ['c', 'abc'] }))).toBe('x')
  })

  test('is found where it overlaps its own beginning', async () => {
    expect(textOf(await run([{ text: 'aa' }, { text: 'ab' }, { text: 'c' }], { stop: ['aab'] }))).toBe('a')
    expect(textOf(await run([{ text: 'xaabaaabaaac' }], { stop: ['aabaaac'] }))).toBe('xaaba')
  })

  test.each([[undefined], [{ parameters: { stop: 'END' } }], [{ parameters: { stop: [7, ''] } }], ['a plain string']])(
    'of a request that has none of the right kind is ignored: %o',
    async (request) => {
      expect(textOf(await run([{ text: 'the END' }], {}, request))).toBe('the END')
    },
  )

  test('unsubscribes the source before what came before it is passed on', async () => {
    const log: string[] = []
    const source$ = new Observable<CompletionChunk>((subscriber) => {
      subscriber.add(() => log.push('unsubscribed'))
      // Never ends by itself, and gives its chunks while it is being subscribed.
      for (let n = 0; !subscriber.closed; n++) subscriber.next({ text: n === 3 ? 'b STOP c' : 'a ' })
    })
    const stream$ = post({ stop: ['STOP'] })(source$, handlerContext({ request: undefined }))
    stream$.subscribe({
      error: fail,
      next: (chunk) => log.push(chunk.finishReason ?? chunk.text),
      complete: () => log.push('complete'),
    })
    expect(log).toEqual(['a', ' a', ' a', 'unsubscribed', ' b', 'stop', 'complete'])
  })

  test('keeps a usage that came with it, and its own finish reason', async () => {
    const usage = { promptTokens: 3, completionTokens: 9 }
    expect(await run([{ text: 'a|', finishReason: 'length', usage }], { stop: ['|'] })).toEqual([
      { text: 'a' },
      { text: '', finishReason: 'stop', usage },
    ])
  })
})

describe('the stream', () => {
  test('ends with the error of its source', async () => {
    const source$ = new Subject<CompletionChunk>()
    const answer = chunksOf(post({ stop: ['x'] })(source$, handlerContext({ request: undefined })))
    source$.error(new Error('dry'))
    await expect(answer).rejects.toThrow('dry')
  })

  test('starts afresh with each subscription', async () => {
    const stream$ = post({ stop: ['ab'] })(
      from([{ text: 'xa' }, { text: 'b' }]),
      handlerContext({ request: undefined }),
    )
    const twice = [await chunksOf(stream$), await chunksOf(stream$)]
    expect(twice[0]).toEqual(twice[1])
  })

  test('of nothing is nothing', async () => {
    expect(await run([], { stop: ['x'] })).toEqual([])
    expect(await run([{ text: '' }, { text: '  ' }])).toEqual([])
  })
})

describe('the options', () => {
  test.each<[string, object]>([
    ['stop', { stop: 'END' }],
    ['stop[1]', { stop: ['END', ''] }],
    ['stop[0]', { stop: [7] }],
    ['stop must hold at most 16 texts, got 17', { stop: Array<string>(17).fill('END') }],
    ['stop[1] must be at most 256 UTF-16 units long, got 257: "xxx', { stop: ['END', 'x'.repeat(257)] }],
    ['trim', { trim: 'yes' }],
    ['filters[1]', { filters: [() => from([]), 7] }],
    ['filters must', { filters: 'all' }],
    ['"filter"', { filter: [] }],
  ])('are refused by name: %s', (name, options) => {
    expect(() => post(options)).toThrow(name)
  })
})
