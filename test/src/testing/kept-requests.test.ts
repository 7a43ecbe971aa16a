import { afterEach, expect, test, vi } from 'vitest'
import { pipeline } from '../../../src/index.ts'
import { DeadLetters } from '../../../src/pipeline/dead-letters.ts'
import { checkInvariants } from '../../../src/testing/index.ts'

const keeps = pipeline<string>('keeps')
  .stage('one', (text) => text, { capacity: 2, ttlMs: 20, deadLetter: ['shed', 'expired'] })
  .stage('two', (text) => text, { capacity: 2, deadLetter: ['failed'] })
const options = { request: String, runs: 200 }

afterEach(() => {
  vi.restoreAllMocks()
})

test('each request that a stage keeps becomes one dead letter', async () => {
  await checkInvariants(keeps, options)
})

test.for(['failed', 'shed'])('a %s request that is not kept is found', async (kind) => {
  const { take } = DeadLetters.prototype
  vi.spyOn(DeadLetters.prototype, 'take').mockImplementation(function (this: DeadLetters, ended) {
    if (ended.kind !== kind) take.call(this, ended)
  })
  await expect(checkInvariants(keeps, options)).rejects.toThrow(/Conservation[^]* were to be dead letters, but/)
})

test('a request that is kept twice is found', async () => {
  const { take } = DeadLetters.prototype
  vi.spyOn(DeadLetters.prototype, 'take').mockImplementation(function (this: DeadLetters, ended) {
    take.call(this, ended)
    take.call(this, ended)
  })
  await expect(checkInvariants(keeps, options)).rejects.toThrow(/Conservation[^]* were to be dead letters, but/)
})
