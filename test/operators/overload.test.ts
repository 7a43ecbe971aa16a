import fc from 'fast-check'
import { delay, from, mergeMap, of, Subject } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { boundedBuffer, type ItemOutcome, type OverloadPolicy } from '../../operators/public.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { scaled } from '../effort.ts'

interface Job {
  readonly id: number
  readonly atMs: number
  readonly takesMs: number
  readonly priority: number
  readonly patienceMs: number
}

interface Told extends ItemOutcome<Job> {
  readonly atMs: number
}

/** Brings the jobs at their times and gives what became of each. */
async function play(
  jobs: readonly Job[],
  overload: OverloadPolicy<Job>,
  { capacity = 1_000, concurrency = 2 }: { readonly capacity?: number; readonly concurrency?: number } = {},
): Promise<readonly Told[]> {
  const clock = new VirtualClock()
  const told: Told[] = []
  const jobs$ = new Subject<Job>()
  const onOutcome = (outcome: ItemOutcome<Job>): void => {
    told.push({ ...outcome, atMs: clock.now() })
  }
  let drawn = 0
  const random = (): number => (drawn = (drawn + 0.37) % 1)
  let ended = false
  jobs$
    .pipe(
      boundedBuffer((job) => of(job).pipe(delay(job.takesMs, clock)), {
        ...{ capacity, concurrency, overload, random, clock, onOutcome },
      }),
    )
    .subscribe({ error: expect.unreachable, complete: () => (ended = true) })
  from(jobs)
    .pipe(mergeMap((job) => of(job).pipe(delay(job.atMs, clock))))
    .subscribe(jobs$)
  await clock.runAll()
  expect(ended).toBe(true)
  return told
}

/** More than two slots of 100 ms can do, for ten seconds. */
const flood: readonly Job[] = Array.from({ length: 400 }, (_, id) => ({
  ...{ id, atMs: id * 25, takesMs: 100, priority: id % 2, patienceMs: 1_000 },
}))

function shareOf(told: readonly Told[], kind: ItemOutcome<Job>['kind']): number {
  return told.filter((outcome) => outcome.kind === kind).length / told.length
}

const anyJobs = fc
  .array(
    fc.record({
      afterMs: fc.integer({ min: 0, max: 30 }),
      // What takes no time has a slot at that moment, too, which its times do not show.
      takesMs: fc.integer({ min: 1, max: 200 }),
      priority: fc.integer({ min: -1, max: 1 }),
      patienceMs: fc.integer({ min: 1, max: 400 }),
    }),
    { maxLength: 60, size: 'max' },
  )
  .map((drawn) => {
    let atMs = 0
    return drawn.map(({ afterMs, ...job }, id) => ({ ...job, id, atMs: (atMs += afterMs) }))
  })

const anyPolicy: fc.Arbitrary<OverloadPolicy<Job>> = fc.oneof(
  fc.record({
    kind: fc.constant('codel' as const),
    targetMs: fc.integer({ min: 1, max: 50 }),
    intervalMs: fc.integer({ min: 1, max: 200 }),
  }),
  fc.record({
    kind: fc.constant('dagor' as const),
    targetMs: fc.integer({ min: 1, max: 50 }),
    windowMs: fc.integer({ min: 1, max: 200 }),
    priority: fc.constant(({ priority }: Job) => priority),
    user: fc.constantFrom(
      ({ id }: Job) => `${id % 5}`,
      () => undefined,
    ),
  }),
  fc.constant({ kind: 'deadline' as const, deadlineAt: ({ atMs, patienceMs }: Job) => atMs + patienceMs }),
)

test('each item has one outcome, and what finds a free slot and nobody waiting is never shed', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyJobs,
      anyPolicy,
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 1, max: 3 }),
      async (jobs, policy, capacity, concurrency) => {
        const told = await play(jobs, policy, { capacity, concurrency })
        expect(told.map(({ value }) => value.id).toSorted((a, b) => a - b)).toEqual(jobs.map(({ id }) => id))
        const reason = policy.kind === 'deadline' ? 'deadline' : 'delay'
        for (const outcome of told) {
          expect(['completed', 'shed']).toContain(outcome.kind)
          if (outcome.kind !== 'shed') continue
          expect(['full', reason]).toContain(outcome.reason)
          const { atMs } = outcome.value
          // Whoever ran at that moment: it came before, and ended after.
          const others = told.filter(({ value, ranMs, waitedMs }) => {
            const startedAt = value.atMs + waitedMs
            return startedAt <= atMs && startedAt + ranMs >= atMs
          })
          expect(others.length).toBeGreaterThanOrEqual(concurrency)
        }
      },
    ),
    { numRuns: scaled(200) },
  )
})

describe('codel', () => {
  test('keeps what starts fresh under a flood, where nothing is shed without it', async () => {
    const told = await play(flood, { kind: 'codel', targetMs: 50, intervalMs: 500 })
    expect(shareOf(told, 'completed')).toBeCloseTo(0.5, 1)
    const late = told.filter(({ kind, atMs, waitedMs }) => kind === 'completed' && atMs > 2_000 && waitedMs > 200)
    expect(late.length).toBeLessThan(20)
    expect(told.filter(({ reason }) => reason === 'delay').every(({ waitedMs }) => waitedMs > 100)).toBe(true)
  })
})

describe('dagor', () => {
  test('refuses what matters least, at once', async () => {
    const told = await play(flood, { kind: 'dagor', targetMs: 50, windowMs: 200, priority: ({ priority }) => priority })
    const refused = told.filter(({ reason }) => reason === 'delay')
    expect(refused.length).toBeGreaterThan(100)
    expect(refused.every(({ waitedMs }) => waitedMs === 0)).toBe(true)
    expect(refused.filter(({ value }) => value.priority === 1).length / refused.length).toBeLessThan(1 / 3)
  })

  test('an item whose priority or user cannot be told fails', async () => {
    const fault = new Error('no priority')
    const told = await play(flood.slice(0, 3), {
      kind: 'dagor',
      targetMs: 1,
      priority: ({ id }) => {
        if (id === 0) throw fault
        return id === 1 ? NaN : 0
      },
    })
    expect(told.filter(({ kind }) => kind === 'failed').map(({ error }) => error)).toEqual([
      fault,
      new RangeError('priority must give a number, gave NaN'),
    ])
  })
})

describe('deadline', () => {
  test('refuses at once what cannot end in time, so that what starts does', async () => {
    const deadlineAt = ({ atMs, patienceMs }: Job): number => atMs + patienceMs
    const told = await play(flood, { kind: 'deadline', deadlineAt })
    const completed = told.filter(({ kind }) => kind === 'completed')
    expect(completed.length / told.length).toBeCloseTo(0.5, 1)
    expect(completed.every(({ value, atMs }) => atMs <= deadlineAt(value))).toBe(true)
    expect(told.filter(({ reason }) => reason === 'deadline').every(({ waitedMs }) => waitedMs === 0)).toBe(true)
  })

  test('sheds as it would start what can no longer end in time', async () => {
    // The first says that all take no time, so nobody is refused; then the two slots are taken for a second.
    const jobs = [
      { atMs: 0, takesMs: 0, patienceMs: 1_000 },
      { atMs: 1, takesMs: 1_000, patienceMs: 5_000 },
      { atMs: 2, takesMs: 1_000, patienceMs: 5_000 },
      { atMs: 3, takesMs: 10, patienceMs: 500 },
    ].map((job, id) => ({ id, priority: 0, ...job }))
    const told = await play(jobs, { kind: 'deadline', deadlineAt: ({ atMs, patienceMs }) => atMs + patienceMs })
    expect(told.at(-1)).toMatchObject({ kind: 'completed' })
    expect(told.find(({ value }) => value.id === 3)).toMatchObject({ kind: 'shed', reason: 'deadline', waitedMs: 998 })
  })

  test('an item of which it cannot tell at its start fails', async () => {
    let asked = 0
    const fault = new Error('forgotten')
    const deadlineAt = (): number => {
      if (++asked > 1) throw fault
      return Infinity
    }
    const jobs = flood.slice(0, 3).map((job) => ({ ...job, atMs: 0 }))
    const told = await play(jobs, { kind: 'deadline', deadlineAt })
    expect(told.map(({ kind, error }) => [kind, error])).toContainEqual(['failed', fault])
    expect(shareOf(told, 'completed')).toBeCloseTo(2 / 3)
  })
})

test.for([
  ['codel', 'overload must be an object with a kind, got "codel"'],
  [null, 'overload must be an object with a kind, got null'],
  [{ targetMs: 1 }, 'overload.kind must be one of "codel", "dagor", "deadline", got undefined'],
  [{ kind: 'red' }, 'overload.kind must be one of "codel", "dagor", "deadline", got "red"'],
  [{ kind: 'codel' }, 'overload.targetMs must be a number above 0'],
  [
    { kind: 'codel', targetMs: 1, windowMs: 1 },
    'overload: unknown option "windowMs"; known are kind, targetMs, intervalMs',
  ],
  [{ kind: 'dagor', targetMs: 1, priority: 1 }, 'overload.priority must be a function, got 1'],
  [{ kind: 'dagor', targetMs: 1, user: 'me' }, 'overload.user must be a function, got "me"'],
  [{ kind: 'deadline' }, 'overload.deadlineAt must be a function, got undefined'],
] as const)('%j is refused', ([overload, message]) => {
  const options = { capacity: 1, overload: overload as unknown as OverloadPolicy<number> }
  expect(() => boundedBuffer((value: number) => [value], options)).toThrow(message)
})
