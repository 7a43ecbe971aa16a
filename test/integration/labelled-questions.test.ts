import { expect, test } from 'vitest'
import { chunkDocument } from '../../src/retrieval/chunk-document.ts'
import { labelledQuestions } from '../fixtures/labelled-questions.ts'
import { readLabelledDocuments } from '../fixtures/retrieval-quality.ts'

test('every section that is to answer a question is in its document', async () => {
  const headings = new Map(
    (await readLabelledDocuments()).map((document) => [
      document.source,
      new Set(chunkDocument(document).map((chunk) => chunk.headings.at(-1))),
    ]),
  )
  for (const { question, answers } of labelledQuestions) {
    for (const { source, heading } of answers) {
      const known = headings.get(source)
      expect(
        known?.has(heading),
        `${source} has no section "${heading}" any more, which answers "${question}"; put the right one of ` +
          `${[...(known ?? [])].join(', ')} into test/fixtures/labelled-questions.ts`,
      ).toBe(true)
    }
  }
})

test('there are at least 60 questions, each once and with an answer', () => {
  const questions = labelledQuestions.map(({ question }) => question)
  expect(new Set(questions).size).toBe(questions.length)
  expect(questions.length).toBeGreaterThanOrEqual(60)
  expect(labelledQuestions.filter(({ answers }) => answers.length === 0)).toEqual([])
})
