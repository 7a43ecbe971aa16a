import { expect, test } from 'vitest'
import type { Logger } from '../../../src/logger.ts'
import { redactedLogger } from '../../../src/redaction/redacted-logger.ts'
import { redactor } from '../../../src/redaction/redactor.ts'

function recorder(lines: unknown[], bound: object = {}): Logger {
  const write =
    (level: string) =>
    (fields: object, message?: string): void => {
      lines.push([level, { ...bound, ...fields }, message])
    }
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => recorder(lines, { ...bound, ...fields }),
  }
}

test('messages and fields of every level, and of children, are redacted and counted', () => {
  const lines: unknown[] = []
  const counted: string[] = []
  const logger = redactedLogger(recorder(lines), redactor(), (kind) => counted.push(kind))
  logger.debug({ error: 'for ann@example.org' })
  logger.info({ count: 7 }, 'from 10.0.0.7')
  const child = logger.child({ path: 'ann@example.org', stage: 'rag' })
  child.warn({}, 'of a child')
  child.child({ n: 1 }).error({ error: '4111 1111 1111 1111' })
  expect(lines).toEqual([
    ['debug', { error: 'for [email]' }, undefined],
    ['info', { count: 7 }, 'from [ip]'],
    ['warn', { path: '[email]', stage: 'rag' }, 'of a child'],
    ['error', { path: '[email]', stage: 'rag', n: 1, error: '[card]' }, undefined],
  ])
  expect(counted).toEqual(['email', 'ip', 'email', 'card'])
})
