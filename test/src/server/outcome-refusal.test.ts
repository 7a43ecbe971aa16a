import { expect, test } from 'vitest'
import { StageCrash, StageSetupError, StageUnhealthyError } from '../../../actors/index.ts'
import type { ShedReason } from '../../../operators/index.ts'
import { DrainTimeoutError, StageError, StageTimeoutError } from '../../../src/pipeline/errors.ts'
import { refusalOf } from '../../../src/server/outcome-refusal.ts'
import { retryHeaders } from '../../../src/server/refusal.ts'
import { StoreError, UnstorableError } from '../../../src/stores/index.ts'
import { InvalidPromptError } from '../../../src/workers/invalid-prompt-error.ts'
import { WorkerError } from '../../../src/workers/worker-error.ts'

const settled = { id: 'r', submissionId: 's', timings: { submittedAt: 0, durationMs: 1 } }

test.each<[ShedReason, number, string]>([
  ['full', 429, 'overloaded'],
  ['evicted', 429, 'overloaded'],
  ['door', 429, 'overloaded'],
  ['wait-timeout', 429, 'overloaded'],
  ['rate', 429, 'overloaded'],
  ['breaker', 503, 'circuit_open'],
  ['budget', 429, 'overloaded'],
  ['too-large', 413, 'too_large'],
  ['draining', 503, 'draining'],
  ['stage-down', 503, 'stage_down'],
])('shed for %s is %i, %s', (reason, status, code) => {
  const refusal = refusalOf({ ...settled, kind: 'shed', stage: 'rag', reason, retryAfterMs: 1234.5 })
  expect(refusal).toMatchObject({ status, code })
  expect(retryHeaders(refusal)).toEqual(status === 413 ? {} : { 'retry-after': '2', 'retry-after-ms': '1235' })
})

test.each<[string, unknown, number, string]>([
  ['a stage that times out', new StageTimeoutError('inference', 5), 504, 'stage_timeout'],
  ['a drain that is too short', new DrainTimeoutError('inference', 5), 503, 'drain_timeout'],
  ['an unknown error', new Error('secret'), 500, 'stage_failed'],
  ['a crash of the stage', new StageCrash('secret'), 500, 'stage_crash'],
  ['a stage that is unhealthy', new StageUnhealthyError('3 times', { cause: 'secret' }), 503, 'stage_unhealthy'],
  ['a stage that is set up no more', new StageSetupError('secret'), 500, 'stage_failed'],
  ['no error at all', 'secret', 500, 'stage_failed'],
  ['a model that is not there', new WorkerError('w', 'secret'), 503, 'model_unavailable'],
  ['a model that speaks something else', new WorkerError('w', 'secret', { unreadable: true }), 502, 'model_failed'],
  ['a model that refuses the prompt', new WorkerError('w', 'too long', { status: 400 }), 400, 'model_refused'],
  ['a model that refuses the key', new WorkerError('w', 'secret', { status: 401 }), 502, 'model_failed'],
  [
    'a model without the model',
    new WorkerError('w', '404 no such model', { status: 404, serverCode: 'model_not_found' }),
    404,
    'model_not_found',
  ],
  ['a path that is not there', new WorkerError('w', '404 secret page', { status: 404 }), 502, 'model_failed'],
  ['a model that is overloaded', new WorkerError('w', 'slow down', { status: 429 }), 429, 'model_overloaded'],
  ['a model that fails', new WorkerError('w', 'secret', { status: 500 }), 502, 'model_failed'],
  ['a model behind a slow proxy', new WorkerError('w', 'secret', { status: 504 }), 504, 'model_timeout'],
  ['a store of sessions that is away', new StoreError('secret'), 503, 'store_unavailable'],
  [
    'what no store can keep',
    new StoreError('secret', { cause: new UnstorableError('larger than 10 bytes') }),
    500,
    'stage_failed',
  ],
  ['a bad prompt', new InvalidPromptError('messages', 'must be good'), 400, 'invalid_prompt'],
])('%s', (_name, error, status, code) => {
  for (const wrapped of [error, new StageError('inference', 'failed', { cause: error })]) {
    const refusal = refusalOf({ ...settled, kind: 'failed', stage: 'inference', error: wrapped })
    expect(refusal).toMatchObject({ status, code })
    expect(refusal.message).not.toContain('secret')
    expect(refusal.message).not.toMatch(/worker "|\d{3} no/)
  }
})

test('what the model refused is told in its words, without the name of the worker and the status', () => {
  const told = (status: number, serverCode?: string): string =>
    refusalOf({
      ...settled,
      kind: 'failed',
      stage: 's',
      error: new WorkerError('openai', `${status} no tools here`, { status, serverCode }),
    }).message
  expect(told(400)).toBe('The model refused the request: no tools here')
  expect(told(429)).toBe('The model is overloaded: no tools here')
  expect(told(404, 'model_not_found')).toBe('no tools here')
  expect(told(404)).toBe("The model's server does not know the model, or the path that it was asked at")
})

test('a cause that is its own cause does not hang', () => {
  const error: Error = new Error('circle')
  error.cause = error
  expect(refusalOf({ ...settled, kind: 'failed', stage: 's', error })).toMatchObject({ status: 500 })
})

test('a deadline is 504, a cancellation from within 503', () => {
  expect(refusalOf({ ...settled, kind: 'expired', stage: 's', reason: 'deadline' })).toMatchObject({
    status: 504,
    code: 'deadline_exceeded',
  })
  expect(refusalOf({ ...settled, kind: 'expired', stage: 's', reason: 'ttl' })).toMatchObject({
    status: 504,
    code: 'waited_too_long',
    message: 'The request waited too long before stage "s"',
  })
  expect(refusalOf({ ...settled, kind: 'cancelled', reason: new Error('secret') })).toMatchObject({
    status: 503,
    message: 'The request was cancelled',
  })
  expect(refusalOf({ ...settled, kind: 'cancelled', reason: 'not read' })).toMatchObject({
    message: 'The request was cancelled: not read',
  })
})
