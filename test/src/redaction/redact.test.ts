import { from } from 'rxjs'
import { expect, test } from 'vitest'
import { StageMeter } from '../../../src/metrics/stage-meter.ts'
import { redact } from '../../../src/redaction/redact.ts'
import type { CompletionChunk } from '../../../src/workers/model-worker.ts'
import { chunksOf } from '../../fixtures/chunks-of.ts'
import { handlerContext } from '../../fixtures/handler-context.ts'

test('text, reasoning and refusal are redacted, each by itself, and counted; the arguments of tools stay', async () => {
  const meter = new StageMeter()
  const chunks: readonly CompletionChunk[] = [
    { text: 'Mail ann@exam', reasoning: 'She is at 10.0' },
    { text: 'ple.org or', reasoning: '.0.7, I think', refusal: 'bob@example.org' },
    { text: '', toolCalls: [{ index: 0, arguments: '{"to":"ann@example.org"}' }] },
    { text: ' +49 30 1234567', finishReason: 'stop' },
  ]
  const passed = await chunksOf(redact()(from(chunks), handlerContext({ request: undefined, meter })))
  const whole = (field: 'text' | 'reasoning' | 'refusal'): string => passed.map((chunk) => chunk[field] ?? '').join('')
  expect(whole('text')).toBe('Mail [email] or [phone]')
  expect(whole('reasoning')).toBe('She is at [ip], I think')
  expect(whole('refusal')).toBe('[email]')
  expect(passed.flatMap(({ toolCalls = [] }) => toolCalls)).toEqual([
    { index: 0, arguments: '{"to":"ann@example.org"}' },
  ])
  expect(passed.at(-1)?.finishReason).toBe('stop')
  expect([...(meter.counts.get('redactions') ?? [])].sort()).toEqual([
    ['email', 2],
    ['ip', 1],
    ['phone', 1],
  ])
})

test('options are checked when the filter is made', () => {
  expect(() => redact({ mode: 'blur' as never })).toThrow('mode must be one of')
})
