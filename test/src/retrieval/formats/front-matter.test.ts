import { expect, test } from 'vitest'
import { frontMatter } from '../../../../src/retrieval/formats/front-matter.ts'

test.each([
  ['title: Setup', { title: 'Setup' }],
  ['title: "Setup: one"', { title: 'Setup: one' }],
  ["title: 'a'  ", { title: 'a' }],
  ['draft: true\nweight: 3\nratio: -1.5', { draft: true, weight: 3, ratio: -1.5 }],
  ['version: 007\nphone: 0123', { version: '007', phone: '0123' }],
  ['title: Setup # the first', { title: 'Setup' }],
  ['tags: [a, b]\nitems:\n  - a\ntext: |\n  more', {}],
  ['__proto__: x\na b: c\n# comment', {}],
  [`long: ${'x'.repeat(1_001)}`, {}],
])('%j', (lines, expected) => {
  expect(frontMatter(`---\n${lines}\n---\n# Text`)).toEqual(expected)
})

test('there is none without its two lines, or further down', () => {
  for (const text of ['title: a', '---\ntitle: a', '\n---\ntitle: a\n---', '']) expect(frontMatter(text)).toEqual({})
})
