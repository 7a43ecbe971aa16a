import { describe, expect, it } from 'vitest'
import { pipeline, type StageOptions, type StageWait } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { gatedHandler } from './gated-handler.ts'

interface Ask {
  readonly id: string
  readonly priority?: 'high'
  readonly rank?: number
  readonly size?: number
  readonly deadlineMs?: number
}

/** A stage of one slot and no room, which lets wait. */
function waiting(
  wait: StageWait,
  admission: 'door' | 'stage',
  options: Partial<StageOptions<Ask, Ask>> = {},
  random = () => 0.5,
) {
  const clock = new VirtualClock()
  const gate = gatedHandler<Ask>()
  const running = pipeline<Ask>('p')
    .stage('first', (ask) => ask, { capacity: 8, concurrency: 8 })
    .stage('one', gate.handler, { capacity: 0, wait, ...options })
    .stage('last', ({ id }) => id, { capacity: 8 })
    .start({ clock, admission, random })
  const finish = async (): Promise<void> => {
    gate.runs.at(-1)?.resolve(gate.runs.at(-1)!.input)
    await clock.settle()
  }
  const started = (): readonly string[] => gate.runs.map(({ input }) => input.id)
  return { clock, running, finish, started }
}

describe.each(['door', 'stage'] as const)("requests that wait for room, with admission '%s'", (admission) => {
  it('go in first come, first served, as soon as there is room, and before newcomers', async () => {
    const { running, finish, started } = waiting({ ms: 100, max: 2 }, admission)
    const replies = ['a', 'b', 'c', 'd'].map((id) => running.submit({ id }))
    expect(running.stages.one).toMatchObject({ pending: 2, running: 1, queueDepth: 0 })
    const reason = admission === 'door' ? 'door' : 'full'
    expect(replies.map(({ settled }) => settled)).toMatchObject([
      undefined,
      undefined,
      undefined,
      { kind: 'shed', reason },
    ])
    expect(running.ledger()).toMatchObject({ submitted: 4, shed: 1, inFlight: 3 })
    await finish()
    expect(started()).toEqual(['a', 'b'])
    running.submit({ id: 'e' })
    await finish()
    await finish()
    expect(started()).toEqual(['a', 'b', 'c', 'e'])
    expect(running.stages.one.pending).toBe(0)
  })

  it('are shed when they have waited long enough, and hold nothing', async () => {
    const { clock, running } = waiting({ ms: 100, max: 2 }, admission)
    running.submit({ id: 'a' })
    const reply = running.submit({ id: 'b' })
    expect(running.stages.first.running).toBe(0)
    await clock.advance(99)
    expect(reply.settled).toBeUndefined()
    await clock.advance(1)
    expect(reply.settled).toMatchObject({ kind: 'shed', stage: 'one', reason: 'wait-timeout' })
    expect(running.stages.one).toMatchObject({ pending: 0, shed: 1 })
  })

  it('can be cancelled, expire, and are shed by a drain', async () => {
    const { clock, running } = waiting({ ms: 1_000, max: 9 }, admission)
    running.submit({ id: 'a' })
    const [cancelled, expiring, left] = [{ id: 'b' }, { id: 'c', deadlineMs: 50 }, { id: 'd' }].map((ask) =>
      running.submit(ask),
    )
    cancelled!.cancel()
    expect(running.stages.one.pending).toBe(2)
    await clock.advance(50)
    expect(expiring!.settled).toMatchObject({ kind: 'expired', stage: 'one', reason: 'deadline' })
    expect(running.stages.one.pending).toBe(1)
    const report = running.drain({ timeoutMs: 10 })
    expect(left!.settled).toMatchObject({ kind: 'shed', stage: 'one', reason: 'draining' })
    await clock.advance(10)
    expect(await report).toMatchObject({ inFlight: 2, shed: 1, failed: 1 })
    await clock.runAll()
    expect(clock.pending).toBe(0)
  })

  it('are only those that say they matter, where the stage says so', () => {
    const { running } = waiting({ ms: 100, max: 2, for: 'high' }, admission)
    running.submit({ id: 'a' })
    expect(running.submit({ id: 'b' }).settled).toMatchObject({ kind: 'shed' })
    expect(running.submit({ id: 'c', priority: 'high' }).settled).toBeUndefined()
    expect(running.stages.one.pending).toBe(1)
  })

  it('look again after delays that double, where the stage says so, or when another comes', async () => {
    const backoff = { initialMs: 20, maxMs: 50 }
    const { clock, running, finish, started } = waiting({ ms: 1_000, max: 3, backoff }, admission)
    running.submit({ id: 'a' })
    running.submit({ id: 'b' })
    await clock.advance(10)
    await finish()
    // It looked at 10 ms, when there was no room yet, and looks again after half of 40 ms.
    await clock.advance(19)
    expect(started()).toEqual(['a'])
    await clock.advance(1)
    expect(started()).toEqual(['a', 'b'])
    running.submit({ id: 'c' })
    await finish()
    expect(started()).toEqual(['a', 'b'])
    running.submit({ id: 'd' })
    expect(started()).toEqual(['a', 'b', 'c'])
    expect(running.stages.one.pending).toBe(1)
  })

  it('do not spin where the random source gives nothing but 0', async () => {
    const backoff = { initialMs: 1, maxMs: 1 }
    const { clock, running } = waiting({ ms: 50, max: 3, backoff }, admission, {}, () => 0)
    running.submit({ id: 'a' })
    const reply = running.submit({ id: 'b' })
    await clock.advance(50)
    expect(reply.settled).toMatchObject({ reason: 'wait-timeout' })
  })

  it('are let in when a limit is raised, and lowering it sheds nobody who is in', async () => {
    const { running, started } = waiting({ ms: 100, max: 9 }, admission)
    const replies = ['a', 'b', 'c', 'd', 'e'].map((id) => running.submit({ id }))
    running.stage('one').setConcurrency(2)
    expect(started()).toEqual(['a', 'b'])
    running.stage('one').setCapacity(2)
    expect(running.stages.one).toMatchObject({ capacity: 2, concurrency: 2, queueDepth: 2, pending: 1 })
    running.stage('one').setCapacity(0)
    running.stage('one').setConcurrency(1)
    expect(running.stages.one).toMatchObject({ capacity: 0, concurrency: 1, queueDepth: 2, running: 2, pending: 1 })
    expect(replies.map(({ settled }) => settled)).toEqual(new Array(5).fill(undefined))
  })

  it('neither overflow the stack nor change places, however many there are', async () => {
    const clock = new VirtualClock()
    const order: number[] = []
    const gate = gatedHandler<number>()
    const running = pipeline<number>('p')
      .stage('one', (number, context) => (number === 0 ? gate.handler(number, context) : number), {
        capacity: 0,
        wait: { ms: 100, max: 20_000 },
      })
      .start({ clock, admission })
    running.outcomes$.subscribe({
      next: (outcome) => order.push('value' in outcome ? outcome.value : -1),
      error: () => undefined,
    })
    for (let number = 0; number <= 20_000; number++) running.submit(number)
    gate.runs[0]!.resolve(0)
    await clock.settle()
    expect(order).toEqual(Array.from({ length: 20_001 }, (_, number) => number))
  })
})

describe('before a channel that weighs requests', () => {
  it('what is light does not overtake what is heavy, and what never fits does not wait', async () => {
    const weight = ({ size = 1 }: Ask): number => size
    const { running, finish, started } = waiting({ ms: 100, max: 9 }, 'door', { capacity: 4, weight })
    const sizes = [1, 3, 2, 1, 9]
    const replies = sizes.map((size, index) => running.submit({ id: String(index), size }))
    expect(running.stages.one).toMatchObject({ queueDepth: 3, pending: 2, running: 1 })
    expect(replies[4]!.settled).toMatchObject({ kind: 'shed', reason: 'too-large' })
    await finish()
    expect(running.stages.one).toMatchObject({ queueDepth: 3, pending: 0 })
    await finish()
    expect(started()).toEqual(['0', '1', '2'])
  })

  it('what a lowered capacity can never hold is shed when it looks', async () => {
    const weight = ({ size = 1 }: Ask): number => size
    const { running } = waiting({ ms: 100, max: 9 }, 'stage', { capacity: 4, weight })
    const replies = [1, 4, 3].map((size, index) => running.submit({ id: String(index), size }))
    running.stage('one').setCapacity(2)
    expect(replies[2]!.settled).toMatchObject({ kind: 'shed', stage: 'one', reason: 'too-large' })
    expect(replies[1]!.settled).toBeUndefined()
  })
})

describe("before a channel of overflow { drop: 'lowest' }", () => {
  it('what matters more takes the place of what matters less, past those who wait', () => {
    const priority = (_: Ask, { rank = 0 }: Ask): number => rank
    const { running } = waiting({ ms: 100, max: 9 }, 'stage', { capacity: 1, overflow: { drop: 'lowest', priority } })
    const replies = [0, 1, 1, 0, 2].map((rank, index) => running.submit({ id: String(index), rank }))
    expect(running.stages.one.pending).toBe(2)
    expect(replies.map(({ settled }) => settled?.kind)).toEqual([undefined, 'shed', undefined, undefined, undefined])
    expect(replies[1]!.settled).toMatchObject({ reason: 'evicted' })
  })
})

describe('the limits of a running stage', () => {
  it('refuse a stage that there is not, and a number out of range', () => {
    const { running } = waiting({ ms: 1, max: 1 }, 'door')
    expect(() => running.stage('two' as never)).toThrow('stage must be one of "first", "one", "last", got "two"')
    expect(() => {
      running.stage('one').setCapacity(Infinity)
    }).toThrow('stage "one": capacity must be a whole number from 0')
    expect(() => {
      running.stage('one').setConcurrency(0)
    }).toThrow('stage "one": concurrency must be a whole number from 1')
    expect(running.stages.one).toMatchObject({ capacity: 0, concurrency: 1 })
  })
})

describe('wait', () => {
  it.each<[object, string]>([
    [{ max: 1 }, 'stage "a": wait.ms must be a number from 1'],
    [{ ms: 0, max: 1 }, 'stage "a": wait.ms must be a number from 1'],
    [{ ms: 1, max: 0 }, 'stage "a": wait.max must be a whole number from 1'],
    [{ ms: 1, max: 1, for: 'low' }, 'stage "a": wait.for must be one of "high", "all", got "low"'],
    [{ ms: 1, max: 1, backoff: { initialMs: 5, maxMs: 1 } }, 'stage "a": wait.backoff.maxMs must be a number from 5'],
    [{ ms: 1, max: 1, backoff: { initialMs: 5, maxMs: 9, factor: 0 } }, 'wait.backoff.factor must be a number from 1'],
    [{ ms: 1, max: 1, often: true }, 'stage "a": wait: unknown option "often"'],
  ])('of %j is refused', (wait, message) => {
    expect(() => pipeline<Ask>('p').stage('a', (ask) => ask, { capacity: 1, wait: wait as StageWait })).toThrow(message)
  })

  it("is refused beside overflow 'fail'", () => {
    const options = { capacity: 1, overflow: 'fail', wait: { ms: 1, max: 1 } } as const
    expect(() => pipeline<Ask>('p').stage('a', (ask) => ask, options)).toThrow('which sheds nothing')
  })
})
