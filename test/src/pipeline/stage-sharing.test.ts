import { expect, test } from 'vitest'
import { pipeline, type StageOptions } from '../../../src/index.ts'
import { checkInvariants, simulate } from '../../../src/testing/index.ts'

interface Job {
  readonly tenant: string
}

type Overflow = NonNullable<StageOptions<Job, Job>['overflow']>

const tenant = (job: Job): string => job.tenant
const sharing: Overflow = { drop: 'over-share', tenant }

function jobs(options: Partial<StageOptions<Job, Job>>) {
  return pipeline<Job>('jobs')
    .stage('before', (job) => job, { capacity: 100, concurrency: 10 })
    .stage('work', (job) => job, { capacity: 30, concurrency: 4, overflow: sharing, ...options })
}

test('who keeps within its share is shed less than one time in a thousand while another floods with a hundred times its share', async () => {
  const others = ['a', 'b', 'c', 'd']
  // Of 103 requests a hundred are of one tenant: 800 a second, where its share is a fifth of the 40 that the stage can do.
  // The others bring six a second each.
  const request = (index: number): Job => {
    const at = index % 103
    return { tenant: at < 100 ? 'flood' : (others[(Math.floor(index / 103) * 3 + at) % 4] as string) }
  }
  const report = await simulate(jobs({}), {
    arrivals: { kind: 'poisson', perSecond: 824 },
    service: { before: 0, work: { kind: 'exponential', meanMs: 100 } },
    ...{ request, group: tenant, durationMs: 600_000 },
  })
  const { flood, ...groups } = report.groups ?? {}
  expect(Object.keys(groups).sort()).toEqual(others)
  for (const { submitted, shed } of Object.values(groups)) {
    expect(submitted).toBeGreaterThan(3_000)
    expect(shed / submitted).toBeLessThan(0.001)
  }
  expect(flood?.completed).toBeGreaterThan(2_000)
})

test('whatever the load and the faults, all invariants hold', async () => {
  const request = (index: number): Job => ({ tenant: `tenant ${index % 3}` })
  const share = ({ tenant: name }: Job): number => (name === 'tenant 0' ? 3 : 1)
  const shares: readonly Overflow[] = [sharing, { drop: 'over-share', tenant, share }]
  for (const overflow of shares) {
    for (const admission of ['door', 'stage'] as const) {
      await checkInvariants(jobs({ capacity: 3, concurrency: 1, overflow }), {
        request,
        start: { admission },
        runs: 60,
      })
      const weight = (): number => 2
      const weighed = { capacity: 7, concurrency: 1, overflow, weight, ttlMs: 20 }
      await checkInvariants(jobs(weighed), { request, start: { admission }, runs: 60 })
    }
  }
})
