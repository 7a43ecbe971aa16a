import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { estimateTokens } from '../../../src/estimate-tokens.ts'
import { chunkDocument } from '../../../src/retrieval/chunk-document.ts'

/** A token for each character: easy to count by hand. */
const countTokens = (text: string): number => text.length

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
    const texts = markdown('aaaa aaaa\n\nbbbb\n\ncccc cccc cccc', { maxTokens: 20, countTokens }).map(
      (chunk) => chunk.text,
    )
    expect(texts).toEqual(['aaaa aaaa\n\nbbbb', 'cccc cccc cccc'])
  })

  test('a long list is cut between its items', () => {
    const texts = markdown('- one one one\n- two two two\n- three\n- four', { maxTokens: 28, countTokens }).map(
      (chunk) => chunk.text,
    )
    expect(texts).toEqual(['- one one one\n- two two two', '- three\n- four'])
  })

  test('long code is cut between its lines', () => {
    const code = `\`\`\`\n${'let a = 1. \n'.repeat(20)}\`\`\``
    for (const { text } of markdown(code, { maxTokens: 50, overlapTokens: 0, countTokens })) {
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

describe('Markdown blocks longer than the part that is parsed at once', () => {
  const lines = Array.from({ length: 3_000 }, (_, at) => `# line ${at}`).join('\n')
  const after = (text: string): string | undefined =>
    markdown(text).find((chunk) => chunk.text === 'after')?.headings[0]

  test.each([
    ['backticks', `\`\`\`\n${lines}\n\`\`\`\n`, 'Title'],
    ['more backticks than are in it', `\`\`\`\`\n${lines}\n\`\`\`\n# code\n\`\`\`\`\`  \n`, 'Title'],
    ['tildes, indented', `   ~~~ sh\n${lines}\n\`\`\`\n    ~~~\n  ~~~\n`, 'Title'],
    ['lines that begin with blanks', `    ${lines.replaceAll('\n', '\n    ')}\n`, 'Title'],
    ['one line', `${'word '.repeat(10_000)}\n`, 'Title'],
    ['a list', `- item\n`.repeat(3_000), 'Title'],
  ])('%s: what follows is no part of it', (_what, block, title) => {
    expect(after(`${block}\n# Title\n\nafter`)).toBe(title)
    const headings = markdown(`${block}\n# Title\n\nafter`).map((chunk) => chunk.headings.join())
    expect([...new Set(headings)]).toEqual(['', title])
  })

  test('a fence that nothing closes goes on to the end', () => {
    expect(after(`\`\`\`\n${lines}\n\`\`\n\n# Title\n\nafter`)).toBeUndefined()
  })
})

describe('plain text', () => {
  test('has paragraphs and no headings', () => {
    const texts = plain('# first one\n \nsecond one\n\n\nthird one', { maxTokens: 16, countTokens })
    expect(texts.map((chunk) => chunk.text)).toEqual(['# first one', 'second one', 'third one'])
    expect(texts.every((chunk) => chunk.headings.length === 0)).toBe(true)
  })

  test('a long paragraph is cut after a sentence, and what was cut is repeated', () => {
    const text = 'The first sentence is here. The second one is here. The third one.'
    expect(plain(text, { maxTokens: 40, overlapTokens: 9, countTokens }).map((chunk) => chunk.text)).toEqual([
      'The first sentence is here.',
      'is here. The second one is here.',
      'is here. The third one.',
    ])
  })

  test('text without spaces is cut after a full-width stop', () => {
    expect(
      plain('日本語の文章です。次の文章もここにあります。', { maxTokens: 16, countTokens }).map((chunk) => chunk.text),
    ).toEqual(['日本語の文章です。', '次の文章もここにあります。'])
  })

  test('a text of one word, or of one script without spaces and stops, is cut to the limit and kept whole', () => {
    for (const text of ['x'.repeat(5_000), '漢字'.repeat(1_000), '🙂a'.repeat(1_000)]) {
      const texts = plain(text, { maxTokens: 50, overlapTokens: 0 }).map((chunk) => chunk.text)
      expect(texts.join('')).toBe(text)
      for (const piece of texts) expect(estimateTokens(piece)).toBeLessThanOrEqual(50)
      expect(texts.every((piece) => piece.isWellFormed())).toBe(true)
    }
  })

  test('neighbours share no more than the overlap', () => {
    const words = Array.from({ length: 2_000 }, (_, at) => `word${at}${at % 9 === 0 ? '.' : ''}`)
    const texts = plain(words.join(' '), { maxTokens: 60, overlapTokens: 12 }).map((chunk) => chunk.text)
    let overlaps = 0
    texts.slice(1).forEach((text, index) => {
      const before = texts[index]!
      const start = before.lastIndexOf(text.split(' ', 1)[0]!)
      const shared = start === -1 ? '' : before.slice(start)
      expect(text.startsWith(shared)).toBe(true)
      expect(estimateTokens(shared)).toBeLessThanOrEqual(12)
      if (shared !== '') overlaps += 1
    })
    expect(overlaps).toBe(texts.length - 1)
  })

  test('nothing has no chunks', () => {
    for (const text of ['', ' \n\n ', '---', '🙂']) expect(plain(text)).toEqual([])
  })
})

describe('limits', () => {
  test.each([
    [{ maxTokens: 15 }, RangeError, /maxTokens.*16 to 100000.*15/],
    [{ maxTokens: 100, overlapTokens: 51 }, RangeError, /overlapTokens.*0 to 50.*51/],
    [{ maxTokens: '100' }, TypeError, /maxTokens/],
    [{ maxToken: 100 }, TypeError, /maxToken.*maxTokens/],
    [{ countTokens: () => Number.NaN }, TypeError, /countTokens must return a number of tokens, got NaN/],
  ])('%o is refused', (options, kind, message) => {
    expect(() => markdown('a', options)).toThrow(kind)
    expect(() => markdown('a', options)).toThrow(message)
  })
})

const words = /[\p{L}\p{N}]+/gu

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
  const options = fc.integer({ min: 16, max: 100 }).chain((maxTokens) =>
    fc.record({
      maxTokens: fc.constant(maxTokens),
      overlapTokens: fc.integer({ min: 0, max: Math.floor(maxTokens / 2) }),
      countTokens: fc.constantFrom(estimateTokens, countTokens),
    }),
  )
  // What was well formed still is: no surrogate pair is cut in two.
  const isWhole = (chunk: string, whole: string): boolean => chunk.isWellFormed() || !whole.isWellFormed()

  test('no chunk is over the limit, blank, or anything but a part of the document', () => {
    fc.assert(
      fc.property(document, options, (doc, limits) => {
        for (const chunk of chunkDocument(doc, limits)) {
          expect(limits.countTokens(chunk.text)).toBeLessThanOrEqual(limits.maxTokens)
          expect(chunk.text).toMatch(/[\p{L}\p{N}]/u)
          expect(doc.text).toContain(chunk.text)
          expect(isWhole(chunk.text, doc.text)).toBe(true)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('nor is it where the text is longer than the part that is parsed at once', () => {
    const long = document.map((doc) => ({ ...doc, text: doc.text.repeat(Math.ceil(20_000 / (doc.text.length + 1))) }))
    fc.assert(
      fc.property(long, (doc) => {
        const chunks = chunkDocument(doc)
        for (const chunk of chunks) {
          expect(estimateTokens(chunk.text)).toBeLessThanOrEqual(256)
          expect(doc.text).toContain(chunk.text)
        }
        const kept = new Set(chunks.flatMap((chunk) => [...chunk.headings, chunk.text].join('\n').match(words) ?? []))
        for (const word of doc.text.match(words) ?? []) if (word.length < 100) expect(kept).toContain(word)
      }),
      { numRuns: 10 },
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
        const fitting = doc.text.split(/\s+/).filter((run) => limits.countTokens(run) <= limits.maxTokens)
        for (const word of fitting.flatMap((run) => run.match(words) ?? [])) expect(kept).toContain(word)
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
