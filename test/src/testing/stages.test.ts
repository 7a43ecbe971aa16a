import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { pipeline } from '../../../src/index.ts'
import { checkInvariants } from '../../../src/testing/index.ts'
import { scaled } from '../../effort.ts'
import { failureOf } from './failure-of.ts'
import { type Options, plantedStages, priority, request, stagesOf, weight } from './planted-stages.ts'
import { whateverSeed } from './whatever-seed.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const anyOptions: fc.Arbitrary<Options> = fc
  .record(
    {
      capacity: fc.integer({ min: 0, max: 4 }),
      concurrency: fc.integer({ min: 1, max: 3 }),
      overflow: fc.constantFrom<NonNullable<Options['overflow']>>(
        'drop-newest',
        'drop-oldest',
        { drop: 'lowest', priority },
        'fail',
      ),
      priority: fc.constant(priority),
      weight: fc.constant(weight),
      ttlMs: fc.constantFrom(5, 20),
      timeoutMs: fc.constantFrom(10, 50),
      wait: fc.record({ ms: fc.constantFrom(5, 50), max: fc.integer({ min: 1, max: 3 }) }),
    },
    { requiredKeys: ['capacity'] },
  )
  // What cannot be given together.
  .filter((options) => typeof options.overflow !== 'object' || options.priority === undefined)
  .filter((options) => options.overflow !== 'fail' || options.wait === undefined)

test('pipelines with stages of any options keep the invariants', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyOptions, { minLength: 1, maxLength: 3 }), async (stages) => {
      await checkInvariants(stagesOf(...stages), { request, runs: 50 })
    }),
    { numRuns: scaled(20) },
  )
})

test('who waits at the door, or goes in first from there, is not taken for one that was let in or shed', async () => {
  const wait = { ms: 20, max: 2 }
  await checkInvariants(stagesOf({ capacity: 0, wait }), { request, start: { admission: 'door' }, runs: 200 })
  // One of high priority looks for room only now and then: it may take what a newcomer finds free.
  const ofSome = fc.record({ priority: fc.constantFrom('high', 'low') })
  const vip = pipeline<{ readonly priority: string }>('vip').stage('one', (value) => value, {
    capacity: 0,
    wait: { ...wait, for: 'high', backoff: { initialMs: 5, maxMs: 20 } },
  })
  await checkInvariants(vip, { request: ofSome, start: { admission: 'door' }, runs: 500 })
})

test('answers that change from one time to the next are taken as they were given', async () => {
  let asked = 0
  const fickle = stagesOf({
    capacity: 3,
    overflow: 'drop-oldest',
    weight: () => 1 + (asked++ % 2),
    priority: () => asked++ % 3,
    wait: { ms: 10, max: 2 },
  })
  await checkInvariants(fickle, { request: () => ({ rank: 0, units: 1 }) })
})

describe('a stage', () => {
  test.each(plantedStages)(
    'that $bug is caught, whatever the seed, with $most requests at the most: $invariant',
    async ({ stage, plant, most, invariant, says, options }) => {
      plant()
      await whateverSeed(3, async (seed) => {
        const failure = await failureOf(stagesOf(stage), { request, runs: 1_000, seed, ...options })
        const { message, scenario } = failure
        expect(failure.invariant, message).toBe(invariant)
        expect(message).toMatch(says)
        expect(scenario.match(/request \d+ .*arrives at/g)?.length, message).toBeLessThanOrEqual(most)
      })
    },
  )
})
