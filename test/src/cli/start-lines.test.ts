import { expect, test } from 'vitest'
import { startLines } from '../../../src/cli/start-lines.ts'

const facts = {
  host: '127.0.0.1',
  port: 8080,
  secure: false,
  worker: 'echo',
  documents: 'none',
  template: 'built in',
  stores: ['in memory', 'in a file'],
  filters: '2 words and 1 pattern, masked in answers',
  redaction: 'off',
  apiKeys: 0,
}

test('the start says where the server listens and what it works with', () => {
  const lines = startLines(facts).split('\n')
  expect(lines[0]).toBe('Spillway is listening on http://127.0.0.1:8080')
  const stores = lines.indexOf('  stores     in memory')
  expect(lines[stores + 1]).toBe('             in a file')
  expect(lines).toContain('  filters    2 words and 1 pattern, masked in answers')
  expect(lines.filter((line) => /^ {2}\S/.test(line)).map((line) => line.slice(2, 13).trim())).toEqual([
    ...['model', 'documents', 'template', 'stores', 'filters', 'redaction', 'API key', 'curl http:/'],
  ])
})
