import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Passage } from '../../../src/retrieval/retriever.ts'
import { distinctPassages, type FoundPassage, overlap } from '../../../src/retrieval/distinct-passages.ts'

const shared = 'These words stand at the end of one and at the beginning of the other.'

function found(text: string, position: number, document = 1): FoundPassage {
  const passage = { source: `${document}.md`, headings: [`at ${position}`], text, score: 100 - position }
  return { passage, document, position }
}

function texts(all: readonly FoundPassage[], topK = 10): readonly string[] {
  return distinctPassages(all, topK).map(({ text }) => text)
}

describe('neighbours that share text', () => {
  const first = found(`Before. ${shared}`, 1)
  const second = found(`${shared} After.`, 2)
  const whole = `Before. ${shared} After.`

  test('become one passage, with the place, headings and score of the better one', () => {
    expect(texts([first, second])).toEqual([whole])
    expect(distinctPassages([second, found('Another.', 9), first], 10)).toEqual([
      { ...second.passage, text: whole },
      found('Another.', 9).passage,
    ])
  })

  test('leave their place to another passage', () => {
    expect(texts([first, second, found('Another.', 9), found('One more.', 11)], 2)).toEqual([whole, 'Another.'])
  })

  test('are joined in a row', () => {
    const third = found(`${shared} After. ${shared.toUpperCase()}`, 3)
    expect(texts([first, third])).toHaveLength(2)
    const middle = found(`${shared} middle ${shared.toUpperCase()}`, 2)
    const last = found(`${shared.toUpperCase()} End.`, 3)
    expect(texts([first, middle, last])).toEqual([`Before. ${shared} middle ${shared.toUpperCase()} End.`])
    expect(texts([last, middle, first])).toEqual([`Before. ${shared} middle ${shared.toUpperCase()} End.`])
  })

  test('stay apart in different documents, not side by side, without shared text, and where they would grow long', () => {
    expect(texts([first, found(`${shared} After.`, 2, 2)])).toHaveLength(2)
    expect(texts([first, found(`${shared} After.`, 3)])).toHaveLength(2)
    expect(texts([first, found('After.', 2)])).toHaveLength(2)
    expect(texts([first, found(`other. After.`, 2)])).toHaveLength(2)
    expect(texts([first, found(`${shared} ${'long '.repeat(1_000)}`, 2)])).toHaveLength(2)
  })
})

test('the same text under the same heading is given once, as the best', () => {
  const [copied, elsewhere] = [found('Same.', 1, 2), found('Same.', 7, 3)]
  expect(distinctPassages([found('Same.', 1), found('Other.', 2), copied, elsewhere], 10)).toEqual([
    found('Same.', 1).passage,
    found('Other.', 2).passage,
    elsewhere.passage,
  ])
})

test('gives at most topK, never a text twice, in the order found', () => {
  const each = fc.record({ text: fc.string({ maxLength: 3 }), position: fc.nat(20), document: fc.nat(3) })
  fc.assert(
    fc.property(fc.array(each, { maxLength: 30 }), fc.integer({ min: 1, max: 10 }), (all, topK) => {
      const given = all.map(({ text, position, document }) => found(text, position, document))
      const identity = ({ text, headings }: Passage): string => JSON.stringify([headings, text])
      const unique = [...new Set(given.map(({ passage }) => identity(passage)))]
      expect(distinctPassages(given, topK).map(identity)).toEqual(unique.slice(0, topK))
    }),
  )
})

test('the overlap is the longest end of one that the other begins with', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '🙂'), maxLength: 12 })
  fc.assert(
    fc.property(text, text, (before, after) => {
      let longest = Math.min(before.length, after.length)
      while (!before.endsWith(after.slice(0, longest))) longest--
      expect(overlap(before, after)).toBe(longest)
    }),
    { numRuns: 2_000 },
  )
})
