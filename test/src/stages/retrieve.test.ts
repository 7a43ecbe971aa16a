import { describe, expect, test } from 'vitest'
import type { HandlerContext } from '../../../src/handler.ts'
import type { PromptRequest } from '../../../src/prompt-request.ts'
import type { Passage, SearchOptions } from '../../../src/retrieval/retriever.ts'
import { retrieve, type RetrieveOptions } from '../../../src/stages/retrieve.ts'
import { handlerContext } from '../../fixtures/handler-context.ts'

const passage: Passage = { source: 'a.md', headings: [], text: 'text', score: 1 }

const contextOf = (request: PromptRequest, signal = new AbortController().signal): HandlerContext<PromptRequest> =>
  handlerContext({ request, signal })

const recording = (): { searches: { query: string; options: SearchOptions | undefined }[] } & RetrieveOptions => {
  const searches: { query: string; options: SearchOptions | undefined }[] = []
  const search = (query: string, options?: SearchOptions): Promise<readonly Passage[]> => {
    searches.push({ query, options })
    return Promise.resolve([passage])
  }
  return { searches, retriever: { search } }
}

describe('retrieve', () => {
  test('searches for the last message of the user and keeps the request', async () => {
    const { retriever, searches } = recording()
    const request: PromptRequest = {
      id: 'r1',
      messages: [
        { role: 'user', content: 'first' },
        { role: 'user', content: 'last' },
        { role: 'assistant', content: 'answer' },
      ],
    }
    const { signal } = new AbortController()
    const result = await retrieve({ retriever, topK: 7 })(request, contextOf(request, signal))
    expect(result).toEqual({ request, passages: [passage] })
    expect(result.request).toBe(request)
    expect(searches).toEqual([
      { query: 'last', options: { topK: 7, signal, onFallback: expect.any(Function) as () => void } },
    ])
    expect(searches[0]?.options?.signal).toBe(signal)
  })

  test('asks for 4 passages unless told otherwise', async () => {
    const { retriever, searches } = recording()
    const request = { input: 'question' }
    await retrieve({ retriever })(request, contextOf(request))
    expect(searches).toMatchObject([{ query: 'question', options: { topK: 4 } }])
  })

  test('filters for all requests, or by the request', async () => {
    const { retriever, searches } = recording()
    const request = { input: 'question', metadata: { team: 'a' } }
    await retrieve({ retriever, filter: { public: true } })(request, contextOf(request))
    const byTeam = retrieve({ retriever, filter: ({ input }) => (input === 'all' ? undefined : { team: ['a', 'b'] }) })
    await byTeam(request, contextOf(request))
    await byTeam({ input: 'all' }, contextOf({ input: 'all' }))
    const filters = searches.map(({ options }) => options?.filter)
    expect(filters).toEqual([{ public: true }, { team: ['a', 'b'] }, undefined])
    expect(() => retrieve({ retriever, filter: { year: NaN } })).toThrow('filter.year must be finite')
  })

  test('counts what could only be searched by words', async () => {
    const search = (_query: string, options?: SearchOptions): Promise<readonly Passage[]> => {
      options?.onFallback?.()
      return Promise.resolve([])
    }
    const context = contextOf({ input: 'question' })
    await retrieve({ retriever: { search } })({ input: 'question' }, context)
    expect(context.meter.counts.get('retrievalFallbacks')).toEqual(new Map([['embedding', 1]]))
  })

  test('searches for nothing without words of the user', async () => {
    const request: PromptRequest = { messages: [{ role: 'system', content: 'only this' }] }
    const { retriever, searches } = recording()
    expect(await retrieve({ retriever })(request, contextOf(request))).toEqual({ request, passages: [] })
    expect(searches).toEqual([])
  })

  test.for([
    [{}, 'input'],
    [{ input: '' }, 'input'],
    [{ input: ' \n' }, 'input'],
    [{ input: 5 }, 'input'],
    [{ messages: [] }, 'messages'],
    [{ messages: 'hello' }, 'messages'],
    [{ input: 'a', messages: [{ role: 'user', content: 'a' }] }, 'input'],
  ] as const)('refuses %o, naming the field, and searches for nothing', async ([request, field]) => {
    const { retriever, searches } = recording()
    const asked = retrieve({ retriever })(request as unknown as PromptRequest, contextOf({}))
    await expect(asked).rejects.toMatchObject({ code: 'invalid_prompt', field })
    expect(searches).toEqual([])
  })

  test('an error of the retriever is the stage’s', async () => {
    const error = new Error('no index')
    const stage = retrieve({ retriever: { search: () => Promise.reject(error) } })
    await expect(stage({ input: 'a' }, contextOf({}))).rejects.toBe(error)
  })

  test('bad options are refused', () => {
    const { retriever } = recording()
    expect(() => retrieve({ retriever, topK: 0 })).toThrow(/topK.*1 to 100.*0/)
    expect(() => retrieve({ retriever, topK: 101 })).toThrow(RangeError)
    expect(() => retrieve({} as RetrieveOptions)).toThrow(/retriever\.search must be a function/)
    expect(() => retrieve({ retriever, topk: 3 } as RetrieveOptions)).toThrow(/unknown option "topk"/)
  })
})
