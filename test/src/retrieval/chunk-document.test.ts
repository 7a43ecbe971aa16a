import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chunkDocument } from '../../../src/retrieval/chunk-document.ts'

const markdown = (text: string, options = {}): ReturnType<typeof chunkDocument> =>
  chunkDocument({ source: 'a.md', text }, options)
const plain = (text: string, options = {}): ReturnType<typeof chunkDocument> =>
  chunkDocument({ source: 'a.txt', text }, options)

describe('the structure of Markdown', () => {
  test('sections carry the path of their headings', () => {
    const text = '# Guide\n\nIntro.\n\n## Setup\n\nRun it.\n\n### Details\n\nMore.\n\n## Use\n\nUse it.\n'
    expect(markdown(text)).toEqual([
      { headings: ['Guide'], text: 'Intro.' },
      { headings: ['Guide', 'Setup'], text: 'Run it.' },
      { headings: ['Guide', 'Setup', 'Details'], text: 'More.' },
      { headings: ['Guide', 'Use'], text: 'Use it.' },
    ])
  })

  test('a level may be left out, and a later heading closes deeper ones', () => {
    expect(markdown('# A\n\n### C\n\nc\n\n## B\n\nb').map((chunk) => chunk.headings)).toEqual([
      ['A', 'C'],
      ['A', 'B'],
    ])
  })

  test('text before the first heading has none, underlined headings count', () => {
    expect(markdown('before\n\nTitle\n=====\n\nunder')).toEqual([
      { headings: [], text: 'before' },
      { headings: ['Title'], text: 'under' },
    ])
  })

  test('a heading with nothing under it is kept only where no deeper heading carries it', () => {
    expect(markdown('# A\n\n## B\n\n## C\n\nc')).toEqual([
      { headings: ['A', 'B'], text: '## B' },
      { headings: ['A', 'C'], text: 'c' },
    ])
  })

  test('a hash in a code block is not a heading', () => {
    const text = '# A\n\n```sh\n# not a heading\nrun\n```\n\nafter'
    expect(markdown(text)).toEqual([{ headings: ['A'], text: '```sh\n# not a heading\nrun\n```\n\nafter' }])
  })

  test('a line that is too long for a heading, or without a word, is text', () => {
    const long = `# ${'word '.repeat(60).trim()}`
    expect(markdown(`${long}\n\nafter`)).toEqual([{ headings: [], text: `${long}\n\nafter` }])
    expect(markdown('# A\n\n## ***\n\nafter')).toEqual([{ headings: ['A'], text: '## ***\n\nafter' }])
  })

  test('front matter is text, not a heading', () => {
    expect(markdown('---\ntitle: Setup\n---\n\n# A\n\na')).toEqual([
      { headings: [], text: '---\ntitle: Setup\n---' },
      { headings: ['A'], text: 'a' },
    ])
  })

  test('a byte order mark is not text', () => {
    expect(markdown('\ufeff# A\n\na')).toEqual([{ headings: ['A'], text: 'a' }])
  })

  test('line ends may be CR LF', () => {
    expect(markdown('# A\r\n\r\nfirst\r\n\r\n## B\r\n\r\nsecond\r\n')).toEqual([
      { headings: ['A'], text: 'first' },
      { headings: ['A', 'B'], text: 'second' },
    ])
  })

  test('neighbouring blocks share a chunk while they fit', () => {
    const texts = markdown('aaaa aaaa\n\nbbbb\n\ncccc cccc cccc', { maxChars: 20 }).map((chunk) => chunk.text)
    expect(texts).toEqual(['aaaa aaaa\n\nbbbb', 'cccc cccc cccc'])
  })

  test('a long list is cut between its items', () => {
    const texts = markdown('- one one one\n- two two two\n- three\n- four', { maxChars: 28 }).map((chunk) => chunk.text)
    expect(texts).toEqual(['- one one one\n- two two two', '- three\n- four'])
  })

  test('long code is cut between its lines', () => {
    const code = `\`\`\`\n${'let a = 1. \n'.repeat(20)}\`\`\``
    for (const { text } of markdown(code, { maxChars: 50, overlapChars: 0 })) {
      expect(text).toMatch(/^(```\n)?(let a = 1\. ?\n?)*(```)?$/)
    }
  })

  test('headings are found behind the part that is parsed at once', () => {
    const filler = `${'A sentence of some words. '.repeat(40)}\n\n`.repeat(20)
    const text = `# One\n\n${filler}\`\`\`\n${'# code\n'.repeat(3_000)}\`\`\`\n\n## Two\n\n${filler}${'> q\n'.repeat(5_000)}\n### Three\n\nlast`
    const paths = new Set(markdown(text).map((chunk) => chunk.headings.join(' > ')))
    expect([...paths]).toEqual(['One', 'One > Two', 'One > Two > Three'])
  })
})

describe('plain text', () => {
  test('has paragraphs and no headings', () => {
    const texts = plain('# first one\n \nsecond one\n\n\nthird one', { maxChars: 16 })
    expect(texts.map((chunk) => chunk.text)).toEqual(['# first one', 'second one', 'third one'])
    expect(texts.every((chunk) => chunk.headings.length === 0)).toBe(true)
  })

  test('a long paragraph is cut after a sentence, and what was cut is repeated', () => {
    const text = 'The first sentence is here. The second one is here. The third one.'
    expect(plain(text, { maxChars: 40, overlapChars: 9 }).map((chunk) => chunk.text)).toEqual([
      'The first sentence is here.',
      'is here. The second one is here.',
      'is here. The third one.',
    ])
  })

  test('text without spaces is cut after a full-width stop', () => {
    expect(plain('日本語の文章です。次の文章もここにあります。', { maxChars: 16 }).map((chunk) => chunk.text)).toEqual([
      '日本語の文章です。',
      '次の文章もここにあります。',
    ])
  })

  test('nothing has no chunks', () => {
    for (const text of ['', ' \n\n ', '---', '🙂']) expect(plain(text)).toEqual([])
  })
})

describe('limits', () => {
  test.each([
    [{ maxChars: 15 }, RangeError, /maxChars.*16 to 100000.*15/],
    [{ maxChars: 100, overlapChars: 51 }, RangeError, /overlapChars.*0 to 50.*51/],
    [{ maxChars: '100' }, TypeError, /maxChars/],
    [{ maxChar: 100 }, TypeError, /maxChar.*maxChars/],
  ])('%o is refused', (options, kind, message) => {
    expect(() => markdown('a', options)).toThrow(kind)
    expect(() => markdown('a', options)).toThrow(message)
  })
})

describe('for any text', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '# ',
      '## ',
      '### ',
      '#',
      '- ',
      '1. ',
      '> ',
      '```\n',
      '~~~',
      '\n',
      '\n\n',
      '\r\n',
      '\r',
      '    ',
      '\t',
    ),
    fc.constantFrom(
      'word ',
      'Sentence. ',
      '===\n',
      '---\n',
      '***',
      '|',
      '<div>\n',
      '<!-- ',
      '[a]: b\n',
      '\0',
      '\u2028',
      '`',
      '。',
    ),
    fc.constantFrom('🙂', '👩‍👩‍👧', '\ud83d', '\ude42', 'é', '日本', '\ufeff'),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.lorem({ maxCount: 30 }),
  )
  const text = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''))
  const document = fc.record({ source: fc.constantFrom('a.md', 'a.txt'), text })
  const options = fc.integer({ min: 16, max: 200 }).chain((maxChars) =>
    fc.record({
      maxChars: fc.constant(maxChars),
      overlapChars: fc.integer({ min: 0, max: Math.floor(maxChars / 2) }),
    }),
  )
  // What was well formed still is: no surrogate pair is cut in two.
  const isWhole = (chunk: string, whole: string): boolean => chunk.isWellFormed() || !whole.isWellFormed()

  test('no chunk is over the limit, blank, or anything but a part of the document', () => {
    fc.assert(
      fc.property(document, options, (doc, limits) => {
        for (const chunk of chunkDocument(doc, limits)) {
          expect(chunk.text.length).toBeLessThanOrEqual(limits.maxChars)
          expect(chunk.text).toMatch(/[\p{L}\p{N}]/u)
          expect(doc.text).toContain(chunk.text)
          expect(isWhole(chunk.text, doc.text)).toBe(true)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('byte order marks move nothing', () => {
    expect(chunkDocument({ source: 'a.md', text: '\ufeff\ufeffout' })).toMatchObject([
      { text: expect.stringContaining('out') as string },
    ])
  })

  test('every word is in a chunk', () => {
    fc.assert(
      fc.property(document, options, (doc, limits) => {
        const chunks = chunkDocument(doc, limits)
        const kept = chunks.map((chunk) => [...chunk.headings, chunk.text].join('\n')).join('\n')
        const fitting = doc.text.split(/\s+/).filter((run) => run.length <= limits.maxChars)
        for (const word of fitting.flatMap((run) => run.match(/[\p{L}\p{N}]+/gu) ?? [])) expect(kept).toContain(word)
      }),
      { numRuns: 1_000 },
    )
  })

  test('the same document is cut the same', () => {
    fc.assert(
      fc.property(document, options, (doc, limits) => {
        expect(chunkDocument(doc, limits)).toEqual(chunkDocument(doc, limits))
      }),
    )
  })
})
