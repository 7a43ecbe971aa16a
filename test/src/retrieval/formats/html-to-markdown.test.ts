import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chunkDocument } from '../../../../src/retrieval/chunk-document.ts'
import { htmlToMarkdown } from '../../../../src/retrieval/formats/html-to-markdown.ts'

const text = (html: string): string => htmlToMarkdown(html).text

describe('structure', () => {
  test.each([
    ['headings', '<h1>A</h1><h3>B <em>c</em></h3>d', '# A\n\n### B c\n\nd'],
    ['paragraphs that nobody closed', '<p>one<p>two\n three<div>four', 'one\n\ntwo three\n\nfour'],
    ['line breaks', 'one<br>two<br/>three', 'one\ntwo\nthree'],
    ['lists in lists', '<ul><li>a<li>b<ol><li>c<li><p>d</p><p>e</p></ol></ul>', '- a\n- b\n  1. c\n  2. d\n\n     e'],
    [
      'a table',
      '<table><tr><th>a|b<th>c<tr><td>1<td><p>2</p><p>3</p></table>',
      '| a\\|b | c |\n|---|---|\n| 1 | 2 3 |',
    ],
    ['a table for layout', '<table><tr><td>menu<td><h2>A</h2>b</table>', 'menu\n\n## A\n\nb'],
    ['a quotation', '<blockquote>a<p>b</blockquote>c', '> a\n\n> b\n\nc'],
    [
      'code',
      '<pre><code>if (a &lt; b)\n  c`</code></pre>then <code>d</code>',
      '```\nif (a < b)\n  c`\n```\n\nthen `d`',
    ],
    ['code with fences', '<pre>```\nx</pre>', '````\n```\nx\n````'],
    ["links' and pictures' texts", 'see <a href="x">the guide</a> <img alt="a dam">', 'see the guide a dam'],
    ['entities', 'a &amp; b &eacute; &#x1F600; &copy', 'a & b é 😀 ©'],
  ])('%s', (_what, html, markdown) => {
    expect(text(html)).toBe(markdown)
  })

  test('the title is the first heading where there is none of the first rank', () => {
    expect(htmlToMarkdown('<title>Dams &amp; locks</title><h2>A</h2>b')).toEqual({
      text: '# Dams & locks\n\n## A\n\nb',
      title: 'Dams & locks',
      metadata: {},
    })
    expect(text('<title>Dams | Site</title><h1>Dams</h1>b')).toBe('# Dams\n\nb')
  })

  test('author and description are metadata', () => {
    const html =
      '<meta name="Author" content=" Ann "><meta content="About dams" name=description><meta name=x content=y>a'
    expect(htmlToMarkdown(html).metadata).toEqual({ author: 'Ann', description: 'About dams' })
  })
})

describe('what is left out', () => {
  test.each([
    ['scripts and styles', '<style>p{}</style><script>if (a<b) "</p>"</script>a<noscript>b</noscript>', 'a'],
    ['navigation and footer', '<nav>x<nav>y</nav>z</nav>a<footer>b</footer>c', 'a\n\nc'],
    ['an open navigation, up to the article', '<nav><ul><li>x<main><p>a', 'a'],
    ['comments', 'a<!-- <p>b</p> -->c', 'ac'],
  ])('%s', (_what, html, markdown) => {
    expect(text(html).replace(/\n+/g, '\n\n')).toBe(markdown)
  })

  test('nothing, where there is but navigation', () => {
    expect(text('<nav><a>Home</a></nav>')).toBe('Home')
  })
})

describe('for any page', () => {
  const word = fc.constantFrom(
    'alpha',
    'beta',
    '# gamma',
    '- delta',
    '```',
    '~~~',
    '> e',
    '1. f',
    '<!--',
    '| g',
    '===',
    '---',
  )
  test('text never turns into structure', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (words) => {
        const escaped = words.map((each) => `<p>${each.replaceAll('<', '&lt;')}</p>`).join('')
        const chunks = chunkDocument({
          source: 'a',
          format: 'markdown',
          text: text(`<h2>End</h2>${escaped}<h2>Last</h2>x`),
        })
        expect(chunks.at(-1)).toEqual({ headings: ['Last'], text: 'x' })
        for (const { headings } of chunks) expect([['End'], ['Last']]).toContainEqual(headings)
      }),
    )
  })

  test('any sequence of tags is read, and keeps its words', () => {
    const tags = 'p div b h1 h4 ul ol li table tr td th pre code blockquote br title section a'.split(' ')
    const piece = fc.oneof(
      fc.constantFrom(...tags.map((tag) => `<${tag}>`), ...tags.map((tag) => `</${tag}>`)),
      fc.constantFrom('<', '</', '<!', '<a href="', '&', '&#', '-->', '"'),
      fc.string({ maxLength: 5 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        expect(text(`reservoir ${pieces.join('')}`)).toContain('reservoir')
      }),
      { numRuns: 1_000 },
    )
  })
})
