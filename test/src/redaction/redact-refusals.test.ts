import { lastValueFrom, of, throwError } from 'rxjs'
import { expect, test } from 'vitest'
import type { HandlerContext } from '../../../src/handler.ts'
import { StageMeter } from '../../../src/metrics/stage-meter.ts'
import { redactRefusals } from '../../../src/redaction/redact-refusals.ts'
import { WorkerError } from '../../../src/workers/worker-error.ts'

const meter = new StageMeter()
const context = { meter } as HandlerContext
const refusing = (error: unknown, redact: object | undefined = {}): Promise<unknown> =>
  lastValueFrom(redactRefusals(() => throwError(() => error), redact)('prompt', context))

test('what a model says as it refuses is told without personal data, and counted', async () => {
  const details = { status: 429, serverCode: 'busy', retryAfterMs: 700, timedOut: false }
  const said = new WorkerError('m', 'not for ann@example.org', { ...details, cause: new Error('for ann@example.org') })
  const error = await refusing(said).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(WorkerError)
  expect(error).toMatchObject({ ...details, worker: 'm', message: 'worker "m": not for [email]' })
  expect((error as Error).cause).toBeUndefined()
  expect(meter.counts.get('redactions')).toEqual(new Map([['email', 1]]))
})

test('other errors, refusals without personal data and answers stay as they are', async () => {
  const refusal = new WorkerError('m', 'too long', { cause: new Error('too long') })
  const other = new Error('ann@example.org')
  await expect(refusing(refusal)).rejects.toBe(refusal)
  await expect(refusing(other)).rejects.toBe(other)
  expect(await lastValueFrom(redactRefusals(() => of('ann@example.org'), {})('prompt', context))).toBe(
    'ann@example.org',
  )
})

test('without options nothing is changed', () => {
  const handler$ = () => of('answer')
  expect(redactRefusals(handler$, undefined)).toBe(handler$)
})
