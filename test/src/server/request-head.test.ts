import { expect, test } from 'vitest'
import { originForm } from '../../../src/server/request-head.ts'

test.each([
  ['/a?b', '/a?b'],
  ['//a', '//a'],
  ['*', '*'],
  ['http://here', '/'],
  ['HTTPS://user@here:80/a/b?c', '/a/b?c'],
  ['http://here?c', '/?c'],
  ['ftp://here/a', 'ftp://here/a'],
])('%s is the path %s', (target, path) => {
  expect(originForm(target)).toBe(path)
})
