import { afterEach, describe, expect, test, vi } from 'vitest'
import { chatPipeline, pipeline } from '../../../src/index.ts'
import { LedgerBook } from '../../../src/pipeline/ledger.ts'
import { checkInvariants } from '../../../src/testing/index.ts'
import { echo } from '../../../src/workers/index.ts'
import { scenarios } from '../../effort.ts'
import { failureOf } from './failure-of.ts'
import { whateverSeed } from './whatever-seed.ts'

interface Request {
  readonly text: string
}

const request = (index: number): Request => ({ text: `request ${index}` })
const words = pipeline<Request>('words')
  .stage('trim', ({ text }) => text.trim(), { capacity: 2, concurrency: 2 })
  .stage('upper', async (text) => Promise.resolve(text.toUpperCase()), { capacity: 1, timeoutMs: 20 })
  .stage('letters', (text) => text.length, { capacity: 2, overflow: 'drop-oldest' })

afterEach(() => {
  vi.restoreAllMocks()
})

describe.concurrent('a pipeline keeps the invariants', () => {
  test('of values', async () => {
    await checkInvariants(words, { request, runs: scenarios('pipelines') })
  })

  test('with simulated handlers, made anew for each scenario', async () => {
    await checkInvariants(() => words, { request, handlers: 'simulated', start: { admission: 'stage' } })
  })

  test('the preset with the echo worker', async () => {
    const chat = (): ReturnType<typeof chatPipeline> => chatPipeline({ worker: echo() })
    await checkInvariants(chat, {
      request: (index) => ({ input: `question ${index}` }),
      runs: scenarios('chat pipelines'),
    })
  })
})

test('a ledger that miscounts what is cancelled is caught', async () => {
  const end = LedgerBook.prototype.end
  vi.spyOn(LedgerBook.prototype, 'end').mockImplementation(function (this: LedgerBook, kind, origin) {
    end.call(this, kind === 'cancelled' ? 'completed' : kind, origin)
  })
  await whateverSeed(3, async (seed) => {
    const { invariant, message, scenario } = await failureOf(words, { request, seed })
    expect(invariant, message).toBe('Conservation')
    expect(scenario.match(/request \d+ arrives at/g)?.length, message).toBeLessThanOrEqual(2)
  })
})

test('a stage that keeps what it took is caught by a check of its own', async () => {
  let taken = 0
  const leaky = (): typeof words => {
    taken = 0
    return pipeline<Request>('words').stage(
      'pool',
      async ({ text }, { clock, signal }) => {
        taken += 1
        await new Promise<void>((resolve) => clock.setTimeout(resolve, 5))
        signal.throwIfAborted() // without giving back what was taken
        taken -= 1
        return text.length
      },
      { capacity: 2, concurrency: 2 },
    ) as unknown as typeof words
  }
  const check = (): void => {
    if (taken > 2) throw new Error(`${taken} connections are taken by 2 handlers`)
  }
  await whateverSeed(3, async (seed) => {
    const { invariant, message, scenario } = await failureOf(leaky, { request, check, runs: 1_000, seed })
    expect(invariant, message).toBe('Your own')
    expect(scenario.match(/request \d+ arrives at/g)?.length, message).toBeLessThanOrEqual(6)
  })
})

test('what is no pipeline, and a bad option, are refused by name', async () => {
  await expect(checkInvariants((() => 1) as never, { request })).rejects.toThrow('must be a pipeline')
  await expect(checkInvariants(words, {} as never)).rejects.toThrow('request must be a function')
  await expect(checkInvariants(words, { request, handlers: 'none' as never })).rejects.toThrow('handlers')
})
