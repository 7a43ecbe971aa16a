import fc from 'fast-check'
import { interval, take } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { StageCrash } from '../../../../src/index.ts'
import type { DeadLetterStore } from '../../../../src/stores/index.ts'
import { after, type Ask, createWorld, plenty } from './redriving-world.ts'

const anyFault = fc.record({
  /** Whether the store does what it is asked before its answer is lost. */
  does: fc.constantFrom(
    'answer',
    'answer',
    'answer',
    'reject',
    'throw',
    'reject after',
    'hang',
    'hang after',
    'nonsense',
  ),
  afterMs: fc.constantFrom(0, 0, 5, 400, 4_000),
})
const anyRequest = fc.record({
  does: fc.constantFrom('answer', 'fail', 'stream', 'hang', 'crash', 'cancel'),
  runMs: fc.constantFrom(0, 10, 3_000),
  session: fc.constantFrom(undefined, 's', 't'),
})

type Fault = typeof anyFault extends fc.Arbitrary<infer T> ? T : never

/** A store each of whose calls has a fault of its own, until these are used up. */
function faultyStore(store: DeadLetterStore, faults: readonly Fault[], wait: (ms: number) => Promise<void>) {
  const left = [...faults]
  const calls: string[] = []
  const meddle = <Given extends unknown[], Answer>(name: string, method: (...given: Given) => Promise<Answer>) => {
    return async (...given: Given): Promise<Answer> => {
      const { does, afterMs } = left.shift() ?? { does: 'answer', afterMs: 0 }
      if (does === 'throw') throw new Error('thrown')
      if (afterMs > 0) await wait(afterMs)
      if (does === 'reject') throw new Error('rejected')
      if (does === 'hang') return new Promise<never>(() => undefined)
      if (does === 'nonsense') return 'nonsense' as never
      const result = await method(...given)
      if (typeof result === 'string' && result !== 'fenced') calls.push(`${name} ${JSON.stringify(given[0])}`)
      if (does === 'reject after') throw new Error('rejected')
      if (does === 'hang after') return new Promise<never>(() => undefined)
      return result
    }
  }
  const { claim, ack, fail, defer, extend } = store
  const faulty: DeadLetterStore = {
    ...store,
    claim: meddle('claim', ({ signal: _, ...options }) => claim(options)),
    ack: meddle('ack', (lease) => ack(lease)),
    fail: meddle('fail', (lease, failure, { signal: _, ...options }) => fail(lease, failure, options)),
    defer: meddle('defer', (lease, { signal: _, ...options }) => defer(lease, options)),
    extend: meddle('extend', (lease, { signal: _, ...options }) => extend(lease, options)),
  }
  return { faulty, calls }
}

describe('the books of redrives', () => {
  it('have one end for each claim, and the store one transition for each lease, whatever fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRequest, { minLength: 1, maxLength: 12, size: 'max' }),
        fc.array(anyFault, { maxLength: 60, size: 'max' }),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom(3_000, 50_000),
        async (requests, faults, workers, drainAfterMs) => {
          const { clock, store, start, put } = createWorld({ maxAttempts: 3 })
          const { faulty, calls } = faultyStore(store, faults, (ms) => after(clock, ms))
          const handedOver = new Set<string>()
          const act = async ({ id }: Ask, signal: AbortSignal): Promise<unknown> => {
            const { does, runMs } = requests[Number(id)]!
            if (runMs > 0) await after(clock, runMs)
            if (does === 'fail') throw new Error('no')
            if (does === 'crash') throw new StageCrash('no')
            if (does === 'hang') await new Promise((resolve) => signal.addEventListener('abort', resolve))
            return does === 'stream' ? interval(50, clock).pipe(take(20)) : id
          }
          const onRedriven = ({ letter }: { readonly letter: { readonly submissionId: string } }): void => {
            handedOver.add(letter.submissionId)
          }
          const redrive = { budget: plenty, leaseMs: 2_000, backoff: () => 100, pollMs: 200, onRedriven }
          const running = Array.from({ length: workers }, () =>
            start((ask, { signal }) => act(ask, signal), redrive, {
              store: faulty,
              supervision: { maxRestarts: 1_000, withinMs: 100 },
            }),
          )
          await put(
            ...requests.map(({ session }, id) => ({ id: `${id}`, deadlineMs: 6_000, ...(session && { session }) })),
          )
          await clock.advance(drainAfterMs)
          const drained = Promise.all(running.map((one) => one.drain({ timeoutMs: 5_000 })))
          await clock.advance(60_000)
          for (const { redrives } of await drained) {
            const { claimed, failedClaims: _, restarts, ...ends } = redrives!
            expect(ends.running).toBe(0)
            expect(Object.values(ends).reduce((sum, count) => sum + count, 0)).toBe(claimed)
            expect(restarts).toBe(0)
          }
          const ended = calls.filter((call) => /^(ack|fail|defer)/.test(call)).map((call) => call.replace(/^\w+ /, ''))
          const acks = new Set(calls.filter((call) => call.startsWith('ack')).map((call) => call.slice(4)))
          // Only ack may say so again.
          expect(new Set(ended).size).toBe(
            ended.length - (calls.filter((call) => call.startsWith('ack')).length - acks.size),
          )
          for (const lease of acks) {
            expect(handedOver).toContain((JSON.parse(lease) as { readonly submissionId: string }).submissionId)
          }
          const { due, leased, dead, totals } = await store.counts()
          expect(due + leased + dead + totals.acked).toBe(requests.length)
          expect(totals.acked).toBe(acks.size)
          expect(running.map((one) => one.ledger().inFlight)).toEqual(running.map(() => 0))
          // Of what the store itself has not answered yet.
          await clock.advance(10_000)
          expect(clock.pending).toBe(0)
        },
      ),
      { numRuns: 60 },
    )
  })
})
