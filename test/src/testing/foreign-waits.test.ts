import { once } from 'node:events'
import { expect, test } from 'vitest'
import { pipeline } from '../../../src/index.ts'
import { checkInvariants } from '../../../src/testing/index.ts'
import { failureOf } from './failure-of.ts'

const request = (index: number): number => index

test('a handler that waits for something that is not context.clock is named', async () => {
  const foreign = new Promise<number>(() => undefined)
  const subject = pipeline<number>('waiting').stage('fetch', async () => foreign, { capacity: 2 })
  const { invariant, message } = await failureOf(subject, { request })
  expect(invariant).toBe('The subject itself')
  expect(message).toMatch(/stage fetch has not returned from request \d+, .* something that is not context\.clock/)
})

test('one that waits for its clock or its signal is as it should be, and so is a hang of the scenario', async () => {
  const subject = pipeline<number>('waiting')
    .stage(
      'wait',
      async (value, { clock }) =>
        new Promise((resolve) =>
          clock.setTimeout(() => {
            resolve(value)
          }, 5),
        ),
      {
        capacity: 2,
      },
    )
    .stage('listen', async (_, { signal }) => once(signal, 'abort'), { capacity: 2, timeoutMs: 20 })
  const { outcomes } = await checkInvariants(subject, { request, runs: 200 })
  expect(outcomes['failed']).toBeGreaterThan(0)
})
