import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import type { Retriever, SearchOptions } from '../retrieval/retriever.ts'
import type { ContractCase } from './model-worker-contract.ts'

/**
 * The checks that every `Retriever` passes, for any test runner.
 *
 * @param name The retriever's name; each case's name begins with it.
 * @param create Makes an empty retriever; each check asks for one of its own, and closes it.
 *
 * @example
 * ```ts
 * for (const check of retrieverContract('mine', () => createMine())) test(check.name, check.run)
 * ```
 */
export function retrieverContract(name: string, create: () => Retriever | Promise<Retriever>): readonly ContractCase[] {
  return Object.entries(checks).map(([title, check]) => ({
    name: `${name}: ${title}`,
    run: async () => {
      const retriever = await create()
      try {
        await check(retriever)
      } finally {
        await retriever.close()
      }
    },
  }))
}

const metadata = { language: 'en', year: 2026 }
const harbour = { source: 'harbour.md', text: '# Harbour\n\nThe lighthouse guides the ships.', metadata }
const kitchen = { source: 'kitchen.md', text: '# Kitchen\n\nThe oven bakes the bread.' }

const checks: Readonly<Record<string, (retriever: Retriever) => Promise<void>>> = {
  'finds what was added, with all that is known of it': async (retriever) => {
    await retriever.add([harbour, kitchen])
    const [best] = await retriever.search('lighthouse')
    equal(best?.source, 'harbour.md')
    deepEqual(best.headings, ['Harbour'])
    equal(best.text, 'The lighthouse guides the ships.')
    deepEqual(best.metadata, metadata)
    ok(Number.isFinite(best.score), `score must be a finite number, got ${best.score}`)
  },
  'gives the best first and at most topK': async (retriever) => {
    await retriever.add(Array.from({ length: 9 }, (_, at) => ({ source: `${at}.txt`, text: `lighthouse ${at}` })))
    equal((await retriever.search('lighthouse')).length, 4)
    const scores = (await retriever.search('lighthouse 3', { topK: 7 })).map(({ score }) => score)
    equal(scores.length, 7)
    deepEqual(
      scores,
      scores.toSorted((a, b) => b - a),
    )
  },
  'replaces the document of a name': async (retriever) => {
    await retriever.add([harbour, kitchen])
    await retriever.add([{ ...harbour, text: 'The crane lifts the cargo.' }])
    const texts = (await retriever.search('lighthouse ships crane', { topK: 100 })).map(({ text }) => text)
    ok(texts.includes('The crane lifts the cargo.'), 'the new text must be found')
    ok(!texts.includes('The lighthouse guides the ships.'), 'the old text must not be found')
  },
  'forgets what is removed and ignores an unknown name': async (retriever) => {
    await retriever.add([harbour, kitchen])
    await retriever.remove(['harbour.md', 'unknown.md'])
    const found = (await retriever.search('lighthouse oven', { topK: 100 })).map(({ source }) => source)
    deepEqual(found, ['kitchen.md'])
  },
  'searches only documents whose metadata fits': async (retriever) => {
    await retriever.add([
      harbour,
      kitchen,
      { ...harbour, source: 'b.md', text: 'A lighthouse.', metadata: { year: 1 } },
    ])
    const sources = async (filter: NonNullable<SearchOptions['filter']>): Promise<readonly string[]> =>
      (await retriever.search('lighthouse', { filter })).map(({ source }) => source)
    deepEqual(await sources({ year: 2026, language: ['de', 'en'] }), ['harbour.md'])
    deepEqual(await sources({ year: '2026' }), [])
  },
  'finds nothing for a question without words': async (retriever) => {
    await retriever.add([harbour])
    deepEqual(await retriever.search(''), [])
    deepEqual(await retriever.search(' ?! '), [])
  },
  'refuses a bad search by the name of what is wrong': async (retriever) => {
    await rejects(retriever.search('a', { topK: 0 }), /topK/)
    await rejects(retriever.search('a', { topK: 101 }), /topK/)
    await rejects(retriever.search(7 as unknown as string), /query/)
    await rejects(retriever.search('a', { filter: { year: NaN } }), /filter/)
  },
  "rejects an aborted search with the signal's reason, and leaves no listener": async (retriever) => {
    await retriever.add([harbour])
    const calling = new AbortController()
    await retriever.search('lighthouse', { signal: calling.signal })
    equal(getEventListeners(calling.signal, 'abort').length, 0)
    const reason = new Error('no longer wanted')
    const aborted = retriever.search('lighthouse', { signal: calling.signal })
    calling.abort(reason)
    // One that was quick enough has its answer already.
    await aborted.catch((error: unknown) => {
      equal(error, reason)
    })
    await rejects(retriever.search('lighthouse', { signal: calling.signal }), (error) => error === reason)
  },
  'answers searches at the same time each for itself': async (retriever) => {
    await retriever.add([harbour, kitchen])
    const found = await Promise.all(
      Array.from({ length: 20 }, (_, at) => retriever.search(at % 2 === 0 ? 'lighthouse' : 'oven', { topK: 1 })),
    )
    deepEqual(
      found.map(([best]) => best?.source),
      found.map((_, at) => (at % 2 === 0 ? 'harbour.md' : 'kitchen.md')),
    )
  },
  'closes more than once, and searches no more': async (retriever) => {
    await retriever.add([harbour])
    await retriever.close()
    await retriever.close()
    await rejects(retriever.search('lighthouse'))
  },
}
