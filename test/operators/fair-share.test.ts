import { delay, of, Subject } from 'rxjs'
import { expect, test } from 'vitest'
import { fairShare, type FairShareOptions, type ItemOutcome } from '../../operators/public.ts'
import { checkInvariants, type Item, operator, VirtualClock } from '../../src/testing/index.ts'

interface Job {
  readonly tenant: string
}

/** Two slots of 100 ms, for which one tenant brings a hundred times what each of four others does. */
async function flood(options: Partial<FairShareOptions<Job>> = {}): Promise<readonly ItemOutcome<Job>[]> {
  const clock = new VirtualClock()
  const outcomes: ItemOutcome<Job>[] = []
  const jobs$ = new Subject<Job>()
  const tenant = (job: Job): string => job.tenant
  const onOutcome = (outcome: ItemOutcome<Job>): void => {
    outcomes.push(outcome)
  }
  jobs$
    .pipe(
      fairShare((job) => of(job).pipe(delay(100, clock)), {
        ...{ tenant, capacity: 20, concurrency: 2, clock, onOutcome },
        ...options,
      }),
    )
    .subscribe({ error: expect.unreachable })
  for (let at = 0; at < 20_000; at += 5) {
    jobs$.next({ tenant: 'flood' })
    jobs$.next({ tenant: 'flood' })
    if (at % 250 === 0) for (const other of ['a', 'b', 'c', 'd']) jobs$.next({ tenant: other })
    await clock.advance(5)
  }
  jobs$.complete()
  await clock.runAll()
  return outcomes
}

test('who keeps within its share is never shed because of another flood, and the flood has what they leave', async () => {
  const outcomes = await flood()
  const [flooding, others] = [true, false].map((is) =>
    outcomes.filter(({ value }) => (value.tenant === 'flood') === is),
  )
  expect(others?.length).toBe(320)
  expect(others?.every(({ kind }) => kind === 'completed')).toBe(true)
  expect(flooding?.filter(({ kind }) => kind === 'completed').length).toBeGreaterThan(75)
})

test('a larger share starts more', async () => {
  const run = async (share: number): Promise<number> => {
    const outcomes = await flood({ share: ({ tenant }) => (tenant === 'flood' ? share : 1), capacity: 200 })
    return Math.max(
      ...outcomes
        .filter(({ value, kind }) => kind === 'completed' && value.tenant === 'a')
        .map(({ waitedMs }) => waitedMs),
    )
  }
  expect(await run(8)).toBeGreaterThan(await run(1))
})

test('it is held to all that boundedBuffer promises', async () => {
  const limits = { capacity: 4, concurrency: 2 }
  const tenant = ({ key }: Item): string => key
  const share = ({ key }: Item): number => 1 + (key.length % 3)
  const claimed = { ...limits, overflow: { drop: 'over-share' as const, tenant, share } }
  await checkInvariants(
    operator(
      ({ project, clock, onOutcome }) => fairShare(project, { ...limits, tenant, share, clock, onOutcome }),
      claimed,
    ),
  )
  const weight = (item: Item): number => item.weight
  await checkInvariants(
    operator(
      ({ project, clock, onOutcome }) => fairShare(project, { ...limits, weight, tenant, share, clock, onOutcome }),
      { ...claimed, weight },
    ),
  )
})

test.for([
  [{}, 'overflow.tenant must be a function, got undefined'],
  [{ tenant: 'me' }, 'overflow.tenant must be a function, got "me"'],
  [{ tenant: (): string => 'a', share: 2 }, 'overflow.share must be a function, got 2'],
  [
    { tenant: (): string => 'a', priority: () => 1 },
    "priority must not be given beside overflow: { drop: 'over-share' }",
  ],
] as const)('%j is refused', ([options, message]) => {
  expect(() => fairShare((job: Job) => [job], { capacity: 1, ...options } as unknown as FairShareOptions<Job>)).toThrow(
    message,
  )
})

test('an item whose tenant or share cannot be told fails', async () => {
  const outcomes: ItemOutcome<number>[] = []
  const tenant = (value: number): string => (value === 1 ? (undefined as unknown as string) : `${value}`)
  const share = (value: number): number => (value === 2 ? 0 : 1)
  of(0, 1, 2)
    .pipe(fairShare((value) => [value], { capacity: 1, tenant, share, onOutcome: (outcome) => outcomes.push(outcome) }))
    .subscribe({ error: expect.unreachable })
  expect(outcomes.map(({ kind }) => kind)).toEqual(['completed', 'failed', 'failed'])
  expect(String(outcomes[1]?.error)).toContain('tenant must give a string, gave undefined')
  expect(String(outcomes[2]?.error)).toContain('share must be a number from 1 to 1000, got 0')
})
