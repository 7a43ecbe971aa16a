import { describe, expect, test } from 'vitest'
import { type Outcome, pipeline, type StageOptions } from '../../../src/index.ts'
import { checkInvariants, simulate, VirtualClock } from '../../../src/testing/index.ts'

interface Job {
  readonly deadlineMs?: number
  readonly priority?: number
  readonly user?: string
}

type Overload = NonNullable<StageOptions<Job, Job>['overload']>

function later(ms: number) {
  return (job: Job, { clock }: { readonly clock: { setTimeout(fn: () => void, ms: number): unknown } }): Promise<Job> =>
    new Promise((resolve) => {
      clock.setTimeout(() => {
        resolve(job)
      }, ms)
    })
}

function jobs(overload: Overload, options: Partial<StageOptions<Job, Job>> = {}) {
  return pipeline<Job>('jobs')
    .stage('before', (job) => job, { capacity: 100, concurrency: 10 })
    .stage('work', later(100), { capacity: 100, concurrency: 2, ...options, overload })
}

/** Brings one request every 25 ms for ten seconds: twice what the stage can do. */
async function flood(
  definition: ReturnType<typeof jobs>,
  request: (index: number) => Job = () => ({}),
  admission: 'door' | 'stage' = 'door',
): Promise<readonly Outcome<Job>[]> {
  const clock = new VirtualClock()
  const running = definition.start({ clock, random: () => 0.5, admission })
  const outcomes: Outcome<Job>[] = []
  running.outcomes$.subscribe({ next: (outcome) => outcomes.push(outcome), error: expect.unreachable })
  for (let index = 0; index < 400; index++) {
    running.submit(request(index))
    await clock.advance(25)
  }
  await clock.runAll()
  expect(running.ledger()).toMatchObject({ submitted: 400, inFlight: 0 })
  expect(running.stages.work.shed).toBe(outcomes.filter(({ kind }) => kind === 'shed').length)
  const drained = running.drain()
  await clock.runAll()
  await drained
  return outcomes
}

const reasonOf = (outcome: Outcome<Job>): string =>
  outcome.kind === 'shed' ? `${outcome.stage} ${outcome.reason}` : outcome.kind

for (const admission of ['door', 'stage'] as const) {
  describe(`with admission at the ${admission}`, () => {
    test('codel sheds as they would start requests that have waited too long', async () => {
      const outcomes = await flood(jobs({ kind: 'codel', targetMs: 50, intervalMs: 500 }), undefined, admission)
      const shed = outcomes.filter(({ kind }) => kind === 'shed')
      expect(shed.length / 400).toBeCloseTo(0.5, 1)
      expect(new Set(shed.map(reasonOf))).toEqual(new Set(['work delay']))
      expect(shed.every(({ timings }) => timings.durationMs > 100)).toBe(true)
    })

    test('dagor refuses at once requests that matter least', async () => {
      const overload = {
        kind: 'dagor',
        targetMs: 50,
        windowMs: 200,
        priority: ({ priority = 0 }: Job) => priority,
      } as const
      const outcomes = await flood(jobs(overload), (index) => ({ priority: index % 2 }), admission)
      const shed = outcomes.filter(({ kind }) => kind === 'shed')
      expect(shed.length).toBeGreaterThan(100)
      expect(new Set(shed.map(reasonOf))).toEqual(new Set(['work delay']))
      expect(shed.every(({ timings }) => timings.durationMs === 0)).toBe(true)
    })

    test('deadline refuses at once requests that cannot end in time', async () => {
      const outcomes = await flood(jobs({ kind: 'deadline' }), () => ({ deadlineMs: 1_000 }), admission)
      const shed = outcomes.filter(({ kind }) => kind === 'shed')
      expect(shed.length / 400).toBeCloseTo(0.5, 1)
      expect(new Set(outcomes.map(reasonOf))).toEqual(new Set(['completed', 'work deadline']))
      expect(
        shed.every(
          ({ timings, ...outcome }) =>
            timings.durationMs === 0 && outcome.kind === 'shed' && outcome.retryAfterMs >= 100,
        ),
      ).toBe(true)
    })
  })
}

test('a drain ends while requests are shed at their start', async () => {
  const clock = new VirtualClock()
  const running = jobs({ kind: 'codel', targetMs: 1, intervalMs: 50 }).start({ clock })
  for (let index = 0; index < 60; index++) running.submit({})
  const drained = running.drain()
  await clock.runAll()
  const report = await drained
  expect(report.shed).toBeGreaterThan(40)
  expect(report.completed + report.shed).toBe(60)
  expect(report.timedOut).toBe(0)
})

test('a request of which the policy cannot tell fails, and no other', async () => {
  const fault = new Error('whose?')
  const user = ({ user }: Job): string | undefined => {
    if (user === 'nobody') throw fault
    return user
  }
  const outcomes = await flood(jobs({ kind: 'dagor', targetMs: 10_000, user }), (index) => ({
    user: index === 7 ? 'nobody' : 'me',
  }))
  const failed = outcomes.filter((outcome) => outcome.kind === 'failed')
  expect(failed).toHaveLength(1)
  expect(failed[0]).toMatchObject({
    stage: 'work',
    error: { code: 'stage_failed', cause: fault },
  })
})

test('the topology shows the policy without its functions', () => {
  const { overload } = jobs({ kind: 'dagor', targetMs: 50, priority: () => 1 }).topology.stages[1] ?? {}
  expect(overload).toEqual({ kind: 'dagor', targetMs: 50 })
})

test('what is out of range is refused when the stage is defined', () => {
  expect(() => jobs({ kind: 'codel', targetMs: 0 })).toThrow('stage "work": overload.targetMs must be a number above 0')
  expect(() => jobs({ kind: 'deadline', deadlineAt: () => 1 } as never)).toThrow(
    'stage "work": overload: unknown option "deadlineAt"',
  )
})

test('whatever the policy, load and faults, all invariants hold', async () => {
  const policies: readonly Overload[] = [
    { kind: 'codel', targetMs: 2, intervalMs: 5 },
    { kind: 'dagor', targetMs: 2, windowMs: 5 },
    { kind: 'deadline' },
  ]
  for (const overload of policies) {
    for (const admission of ['door', 'stage'] as const) {
      const definition = jobs(overload, { capacity: 3 })
      await checkInvariants(definition, { request: () => ({}), start: { admission }, runs: 60 })
    }
  }
})

test('twice what it can do for ten minutes, with deadlines: each policy completes at least 90 % of that, and without one it is less', async () => {
  const work = pipeline<Job>('work')
  const goodput = async (options: Partial<StageOptions<Job, Job>>): Promise<number> => {
    const report = await simulate(
      work.stage('infer', (job) => job, { capacity: 512, concurrency: 16, ...options }),
      {
        arrivals: { kind: 'poisson', perSecond: (2 * 16_000) / 926.8 },
        service: { infer: { kind: 'log-normal', medianMs: 700, p99Ms: 4_000 } },
        ...{ deadlineMs: 10_000, durationMs: 600_000 },
      },
    )
    return report.goodputPerSecond / (16_000 / 926.8)
  }
  expect(await goodput({})).toBeLessThan(0.9)
  expect(await goodput({ overload: { kind: 'codel', targetMs: 500 } })).toBeGreaterThan(0.9)
  expect(await goodput({ overload: { kind: 'dagor', targetMs: 500 } })).toBeGreaterThan(0.9)
  expect(await goodput({ overload: { kind: 'deadline' } })).toBeGreaterThan(0.9)
})
