import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chatPipeline, pipeline } from '../../../src/index.ts'
import type { Scenario } from '../../../src/simulation/scenario.ts'
import { simulate } from '../../../src/simulation/simulate.ts'
import type { SimulationReport } from '../../../src/simulation/simulation-report.ts'
import { echo } from '../../../src/workers/index.ts'

interface Job {
  readonly deadlineMs?: number
}

const two = pipeline<Job>('two')
  .stage('first', (job) => job, { capacity: 4, concurrency: 2 })
  .stage('second', (job) => job, { capacity: 3, concurrency: 1 })

const overloaded = {
  arrivals: { kind: 'poisson', perSecond: 400 },
  service: { first: { kind: 'exponential', meanMs: 4 }, second: { kind: 'exponential', meanMs: 5 } },
  durationMs: 20_000,
} as const satisfies Scenario<Job, 'first' | 'second'>

function stageOf(report: SimulationReport, name: string): SimulationReport['stages'][number] {
  return report.stages.find((stage) => stage.name === name) as SimulationReport['stages'][number]
}

test('every request that comes ends once, and is counted where it was lost', async () => {
  const services = fc.oneof(
    fc.double({ min: 0, max: 20, noNaN: true }),
    fc.record({ kind: fc.constant('exponential' as const), meanMs: fc.double({ min: 0.1, max: 20, noNaN: true }) }),
    fc.record({
      firstChunk: fc.double({ min: 0, max: 9, noNaN: true }),
      rest: fc.double({ min: 0, max: 9, noNaN: true }),
    }),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        perSecond: fc.integer({ min: 1, max: 2_000 }),
        first: services,
        second: services,
        seed: fc.integer(),
        deadlineMs: fc.option(fc.double({ min: 1, max: 50, noNaN: true }), { nil: undefined }),
        admission: fc.constantFrom('door' as const, 'stage' as const),
        warmupMs: fc.constantFrom(0, 500),
      }),
      async ({ perSecond, first, second, seed, deadlineMs, admission, warmupMs }) => {
        const report = await simulate(two, {
          arrivals: { kind: 'poisson', perSecond },
          service: { first, second },
          durationMs: 1_000,
          ...{ warmupMs, seed, start: { admission } },
          ...(deadlineMs !== undefined && { deadlineMs }),
        })
        const { submitted, completed, shed, failed, expired, cancelled } = report.requests
        expect(completed + shed + failed + expired + cancelled).toBe(submitted)
        expect(failed + cancelled).toBe(0)
        expect(report.latency.count).toBe(completed)
        const shedByStages = report.stages.flatMap((stage) => Object.values(stage.shed))
        expect(shedByStages.reduce((sum, count) => sum + count, 0)).toBe(shed)
        expect(report.stages.reduce((sum, stage) => sum + stage.expired, 0)).toBe(expired)
        for (const stage of report.stages) {
          expect(stage.utilisation).toBeGreaterThanOrEqual(0)
          expect(stage.utilisation).toBeLessThanOrEqual(1 + 1e-9)
          expect(stage.depth.max).toBeLessThanOrEqual(stage.capacity + stage.concurrency)
        }
        const shares = report.stages.reduce((sum, stage) => sum + stage.share, 0)
        expect(shares).toBeCloseTo(report.stages.some((stage) => stage.service.maxMs + stage.wait.maxMs > 0) ? 1 : 0, 6)
      },
    ),
    { numRuns: 60 },
  )
})

test('the same seed gives the same report, and another seed another', async () => {
  const [once, again, other] = await Promise.all([
    simulate(two, overloaded),
    simulate(two, overloaded),
    simulate(two, { ...overloaded, seed: 2 }),
  ])
  expect(again).toEqual(once)
  expect(other.requests).not.toEqual(once.requests)
})

test('the bottleneck is named, and what it could not take was shed there', async () => {
  const report = await simulate(two, overloaded)
  expect(report.bottleneck).toBe('second')
  expect(stageOf(report, 'second').utilisation).toBeGreaterThan(0.9)
  expect(stageOf(report, 'first').utilisation).toBeLessThan(0.6)
  expect(report.shedRate).toBeCloseTo(0.5, 1)
  expect(stageOf(report, 'second').shed.door).toBe(report.requests.shed)
  expect(report.goodputPerSecond / 200).toBeCloseTo(stageOf(report, 'second').utilisation, 1)
})

test('the greatest depth is that of a later stage, too, where nothing comes any more when it is reached', async () => {
  const roomy = { first: { capacity: 100, concurrency: 8 }, second: { capacity: 100, concurrency: 1 } }
  const report = await simulate(two, {
    arrivals: { kind: 'trace', atMs: Array.from({ length: 50 }, (_, index) => index) },
    ...{ service: { first: 100, second: 1_000 }, stages: roomy, durationMs: 60_000 },
  })
  expect(stageOf(report, 'second').depth.max).toBe(Math.max(...(report.timeline.stages[1]?.depth ?? [])))
  expect(stageOf(report, 'second').depth.max).toBeGreaterThan(40)
})

test('limits can be tried without another definition', async () => {
  const report = await simulate(two, { ...overloaded, stages: { second: { concurrency: 4, capacity: 64 } } })
  expect(stageOf(report, 'second')).toMatchObject({ concurrency: 4, capacity: 64 })
  expect(report.shedRate).toBeLessThan(0.2)
  expect(report.bottleneck).toBe('first')
})

test('a stream keeps the slot of the stage that made it, and passes the others at once', async () => {
  const report = await simulate(chatPipeline({ worker: echo() }), {
    arrivals: { kind: 'constant', perSecond: 2 },
    service: { rag: 10, assemble: 0, inference: { firstChunk: 100, rest: 300 }, post: 0, stream: 0 },
    durationMs: 10_000,
  })
  expect(report.requests).toMatchObject({ submitted: 19, completed: 19 })
  expect(stageOf(report, 'inference').service.meanMs).toBeCloseTo(400)
  expect(stageOf(report, 'stream').service.maxMs).toBe(0)
  expect(report.latency.p50Ms).toBeCloseTo(410, 0)
})

test('what has run out of time is called off, and its slot is free', async () => {
  const one = pipeline<Job>('one').stage('work', (job) => job, { capacity: 10 })
  const report = await simulate(one, {
    arrivals: { kind: 'constant', perSecond: 10 },
    service: { work: 1_000 },
    deadlineMs: 50,
    durationMs: 1_000,
  })
  expect(report.requests).toMatchObject({ submitted: 9, expired: 9 })
  expect(stageOf(report, 'work')).toMatchObject({ expired: 9, utilisation: 0.45 })
  expect(stageOf(report, 'work').service.maxMs).toBeCloseTo(50)
})

test('what comes in the warm-up is not counted, but is there', async () => {
  const report = await simulate(two, {
    ...overloaded,
    arrivals: { kind: 'trace', atMs: [1, 2, 3, 500, 1_001] },
    warmupMs: 500,
    durationMs: 501,
  })
  expect(report.requests.submitted).toBe(1)
  expect(report.timeline.atMs.at(-1)).toBeCloseTo(1_001)
})

test('nothing that the stages would acquire is acquired, and nothing is kept', async () => {
  const real = pipeline<Job>('real').stage('work', (): never => expect.unreachable('it runs'), {
    ...{ capacity: 1, deadLetter: ['shed'], health: { check: () => expect.unreachable('it is checked'), everyMs: 10 } },
    setup: () => expect.unreachable('it is set up'),
  })
  const report = await simulate(real, {
    arrivals: { kind: 'constant', perSecond: 100 },
    service: { work: 30 },
    durationMs: 1_000,
  })
  expect(report.requests.failed).toBe(0)
  expect(report.requests.shed).toBeGreaterThan(0)
})

test('it tells how far it is and can be called off', async () => {
  const controller = new AbortController()
  const told: number[] = []
  const reason = new Error('enough')
  const onProgress = (share: number): void => {
    told.push(share)
    if (share >= 0.5) controller.abort(reason)
  }
  await expect(simulate(two, overloaded, { signal: controller.signal, onProgress })).rejects.toBe(reason)
  expect(told).toEqual(Array.from({ length: 100 }, (_, index) => (index + 1) / 200))
})

const wrong: readonly (readonly [object, string])[] = [
  [{ service: { first: 1 } }, 'service.second must be a number of milliseconds or a distribution, got undefined'],
  [{ service: { first: 1, second: 1, third: 1 } }, 'service must name stages among "first", "second", got "third"'],
  [{ service: undefined }, 'service must be an object with a key for each stage, got undefined'],
  [{ service: { first: { firstChunk: 1 }, second: 1 } }, 'service.first.rest must be a number of milliseconds'],
  [{ service: { first: { kind: 'constant', ms: -1 }, second: 1 } }, 'service.first.ms must be a number from 0'],
  [{ durationMs: 0 }, 'durationMs must be a number above 0'],
  [{ durationMs: Infinity }, 'durationMs must be a number above 0'],
  [{ warmupMs: -1 }, 'warmupMs must be a number from 0'],
  [{ seed: 1.5 }, 'seed must be a whole number from'],
  [{ stages: { third: {} } }, 'stages must name stages among "first", "second", got "third"'],
  [{ stages: { first: { capacty: 1 } } }, 'stages.first: unknown option "capacty"'],
  [{ stages: { first: { capacity: -1 } } }, 'stages.first.capacity must be a whole number from 0'],
  [{ stages: { first: { concurrency: 0 } } }, 'stages.first.concurrency must be a whole number from 1'],
  [{ deadlineMs: 1, request: () => ({}) }, 'deadlineMs must not be given beside request'],
  [{ arivals: 1 }, 'simulate: unknown option "arivals"'],
  [{ start: { registry: {} } }, 'registry must be'],
]

test.for(wrong)('%j is refused', async ([part, message]) => {
  await expect(simulate(two, { ...overloaded, ...part })).rejects.toThrow(message)
})
