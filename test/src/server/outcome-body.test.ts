import { expect, test } from 'vitest'
import type { Outcome } from '../../../src/pipeline/outcome.ts'
import { clientLeft } from '../../../src/server/client-ending.ts'
import { outcomeBody } from '../../../src/server/outcome-body.ts'

const settled = { id: 'r', submissionId: 's', timings: { submittedAt: 1, durationMs: 2 } }

test.each<[Outcome<unknown>, object]>([
  [
    { kind: 'completed', chunks: 3, ...settled },
    { kind: 'completed', chunks: 3, ...settled },
  ],
  [
    { kind: 'shed', stage: 'rag', reason: 'draining', retryAfterMs: 100, ...settled },
    { stage: 'rag', reason: 'draining', retryAfterMs: 100, error: { status: 503, code: 'draining' } },
  ],
  [
    { kind: 'expired', stage: 'rag', reason: 'deadline', ...settled },
    { stage: 'rag', reason: 'deadline', error: { status: 504, code: 'deadline_exceeded' } },
  ],
  [
    { kind: 'cancelled', reason: 'enough', ...settled },
    { reason: 'enough', error: { status: 503, message: 'The request was cancelled: enough' } },
  ],
  [
    { kind: 'cancelled', reason: clientLeft, ...settled },
    { reason: 'the client has left', error: { status: 499, code: 'cancelled' } },
  ],
])('says how it ended: %j', (outcome, body) => {
  expect(outcomeBody(outcome)).toMatchObject({ ...settled, ...body })
})

test('never says what an unknown error says', () => {
  const secret = new Error('password123', { cause: new Error('password123') })
  for (const outcome of [
    { kind: 'failed', stage: 'rag', error: secret, ...settled },
    { kind: 'cancelled', reason: secret, ...settled },
  ] as const) {
    expect(JSON.stringify(outcomeBody(outcome))).not.toContain('password123')
  }
})
