import { from, Observable, Subject } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { type ChunkFilter, textFilter, type TextFilterOptions } from '../../../src/stages/chunk-filter.ts'
import { compileStops, StopMatcher } from '../../../src/stages/stop-matcher.ts'
import type { TextFilter } from '../../../src/stages/text-filter.ts'
import type { CompletionChunk, TokenLogprob } from '../../../src/workers/model-worker.ts'
import { chunksOf } from '../../fixtures/chunks-of.ts'
import { handlerContext } from '../../fixtures/handler-context.ts'

const upper = (): TextFilter => ({ push: (piece) => piece.toUpperCase(), end: () => '' })

/** Holds everything back. */
function holding(): TextFilter {
  let held = ''
  return {
    push(piece) {
      held += piece
      return ''
    },
    end: () => `<${held}>`,
  }
}

const stopAt = (...stops: string[]): ChunkFilter =>
  textFilter(() => new StopMatcher(compileStops(stops)), { fields: ['text'] })

function run(apply: ChunkFilter, chunks: readonly CompletionChunk[], parameters?: object): Promise<CompletionChunk[]> {
  return chunksOf(apply(from(chunks), handlerContext({ request: { parameters } })))
}

const fail = (error: unknown): never => {
  throw error
}

const token = (text: string): TokenLogprob => ({ token: text, logprob: -1, bytes: null, topLogprobs: [] })

describe('the texts of an answer', () => {
  test('are each filtered by an instance of their own, for each choice', async () => {
    const chunks = await run(textFilter(holding), [
      { text: 'a', reasoning: 'r' },
      { text: 'b', choice: 1 },
      { text: 'c', refusal: 's', choice: 0 },
      { text: 'd', choice: 1, reasoning: 't' },
    ])
    expect(chunks).toEqual([
      { text: '<ac>', reasoning: '<r>', refusal: '<s>' },
      { text: '<bd>', reasoning: '<t>', choice: 1 },
    ])
  })

  test('that a filter is not for stay as they are', async () => {
    const chunk: CompletionChunk = { text: '', reasoning: 'r', refusal: 's' }
    const passed = await run(textFilter(upper, { fields: ['text', 'reasoning'] }), [chunk, { text: 'a' }])
    expect(passed).toEqual([{ text: '', reasoning: 'R', refusal: 's' }, { text: 'A' }])
  })

  test('do not hold up what is no text', async () => {
    const source$ = new Subject<CompletionChunk>()
    const heard: CompletionChunk[] = []
    textFilter(holding)(source$, handlerContext({ request: undefined })).subscribe({
      next: (chunk) => heard.push(chunk),
      error: fail,
    })
    const toolCalls = [{ index: 0, id: 'c', name: 'f', arguments: '{' }]
    source$.next({ text: 'a', toolCalls })
    expect(heard).toEqual([{ text: '', toolCalls }])
  })
})

describe('the end of an answer', () => {
  test('comes after its last text: finish reasons with their choices, usage at the very end', async () => {
    const usage = { promptTokens: 1, completionTokens: 2 }
    const chunks = await run(textFilter(holding), [
      { text: 'a', finishReason: 'length', usage },
      { text: 'b', choice: 1 },
      { text: 'c' },
      { text: '', choice: 1, finishReason: 'stop' },
    ])
    expect(chunks).toEqual([
      { text: '<ac>', finishReason: 'length' },
      { text: '<b>', choice: 1, finishReason: 'stop', usage },
    ])
  })

  test('in one choice lets the others go on; in the last it lets go of the source', async () => {
    const log: string[] = []
    const source$ = new Observable<CompletionChunk>((subscriber) => {
      subscriber.add(() => log.push('unsubscribed'))
      subscriber.next({ text: 'a|b' })
      subscriber.next({ text: 'c', toolCalls: [{ index: 0, arguments: '' }] })
      subscriber.next({ text: 'd', choice: 1 })
      subscriber.next({ text: 'e|', choice: 1 })
      subscriber.next({ text: 'never' })
    })
    const stream$ = stopAt('|')(source$, handlerContext({ request: { parameters: { n: 2 } } }))
    stream$.subscribe({ next: (chunk) => log.push(JSON.stringify(chunk)), error: fail })
    expect(log).toEqual([
      '{"text":"a","finishReason":"stop"}',
      '{"text":"d","choice":1}',
      'unsubscribed',
      '{"text":"e","choice":1,"finishReason":"stop"}',
    ])
  })

  test('lets those of other texts go on, where several were to be continued', async () => {
    const request = { prompts: ['x', 'y'] }
    const chunks = [{ text: 'a|b' }, { text: 'c', choice: 1 }]
    const filtered = await chunksOf(stopAt('|')(from(chunks), handlerContext({ request })))
    expect(filtered.map(({ text }) => text)).toEqual(['a', 'c'])
  })

  test('waits for a choice that is known only by its chunks', async () => {
    const chunks = await run(stopAt('|'), [{ text: 'b', choice: 1 }, { text: 'a|' }, { text: 'c', choice: 1 }])
    expect(chunks.map(({ text }) => text)).toEqual(['b', 'a', 'c'])
  })

  test('by a filter drops tool calls, and lets go what other texts hold back', async () => {
    const ending = (): TextFilter => {
      const filter: { ended?: 'content_filter' } & TextFilter = {
        push(piece) {
          if (piece === '!') filter.ended = 'content_filter'
          return ''
        },
        end: () => 'held',
      }
      return filter
    }
    const toolCalls = [{ index: 0, arguments: '{' }]
    const chunks = await run(textFilter(ending), [
      { text: '', reasoning: 'r' },
      { text: '!', toolCalls },
      { text: 'x' },
    ])
    expect(chunks).toEqual([{ text: '', reasoning: 'held', finishReason: 'content_filter' }])
  })
})

describe('probabilities of tokens', () => {
  const follow: TextFilterOptions = { logprobs: 'follow' }

  test('are dropped where a filter may change the text', async () => {
    const chunks = await run(textFilter(upper), [{ text: 'A', logprobs: [token('A')] }])
    expect(chunks).toEqual([{ text: 'A' }])
    const others = await run(textFilter(upper, { fields: ['reasoning'] }), [{ text: 'a', logprobs: [token('a')] }])
    expect(others).toEqual([{ text: 'a', logprobs: [token('a')] }])
  })

  test('of a refusal are dropped where a filter may change it', async () => {
    const refusing = { text: '', refusal: 'No', refusalLogprobs: [token('No')] }
    expect(await run(textFilter(upper), [refusing])).toEqual([{ text: '', refusal: 'NO' }])
    expect(await run(textFilter(upper, { fields: ['text'] }), [refusing])).toEqual([refusing])
  })

  test('go with the last unit of their text, and not at all with what is cut', async () => {
    const chunks = await run(
      textFilter(() => new StopMatcher(compileStops(['END'])), follow),
      ['a', 'E', 'N', 'b E', 'N', 'D'].map((text) => ({ text, logprobs: [token(text)] })),
    )
    expect(chunks).toEqual([
      { text: 'a', logprobs: [token('a')] },
      { text: 'ENb ', logprobs: [token('E'), token('N')] },
      { text: '', finishReason: 'stop' },
    ])
  })

  test('are dropped from where a filter that should only cut changes the text', async () => {
    const chunks = await run(textFilter(upper, follow), [
      { text: 'A', logprobs: [token('A')] },
      { text: 'b', logprobs: [token('b')] },
      { text: 'C', logprobs: [token('C')] },
    ])
    expect(chunks).toEqual([{ text: 'A', logprobs: [token('A')] }, { text: 'B' }, { text: 'C' }])
  })
})

test('the error of a filter is the error of its stream, and the source is let go of', async () => {
  let open = true
  const source$ = new Observable<CompletionChunk>((subscriber) => {
    subscriber.add(() => {
      open = false
    })
    subscriber.next({ text: 'a' })
  })
  const stream$ = textFilter(() => fail(new Error('broken')))(source$, handlerContext({ request: undefined }))
  await expect(chunksOf(stream$)).rejects.toThrow('broken')
  expect(open).toBe(false)
})

test('a model that sends choices without end is stopped', async () => {
  const chunks = Array.from({ length: 129 }, (_, choice) => ({ text: 'a', choice }))
  await expect(run(textFilter(upper), chunks)).rejects.toThrow('at most 128 choices')
})

test.each<[string, unknown[]]>([
  ['create must be a function', ['a']],
  ['fields must be an array', [upper, { fields: 'text' }]],
  [
    'fields[1] must be one of "text", "reasoning", "refusal", got "toolCalls"',
    [upper, { fields: ['text', 'toolCalls'] }],
  ],
  ['logprobs must be one of', [upper, { logprobs: 'keep' }]],
  ['unknown option "field"', [upper, { field: 'text' }]],
])('options that are wrong are named: %s', (message, options) => {
  expect(() => textFilter(...(options as Parameters<typeof textFilter>))).toThrow(message)
})
