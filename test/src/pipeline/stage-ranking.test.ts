import { describe, expect, it } from 'vitest'
import { pipeline, StageCrash, StageError } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { gatedHandler } from './gated-handler.ts'

interface Ask {
  readonly id: string
  readonly size?: number
  readonly rank?: number
}

describe('a stage that ranks requests', () => {
  it('starts the highest first, by what it is given and what was submitted', async () => {
    const clock = new VirtualClock()
    const gate = gatedHandler<{ id: string; added: number }>()
    const running = pipeline<Ask>('p')
      .stage('add', ({ id }) => ({ id, added: 1 }), { capacity: 8 })
      .stage('one', gate.handler, { capacity: 8, priority: ({ added }, { rank = 0 }) => added * rank })
      .start({ clock })
    for (const [id, rank] of [
      ['a', 0],
      ['b', -1],
      ['c', 2],
      ['d', 2],
    ] as const)
      running.submit({ id, rank })
    for (let index = 0; index < 4; index++) {
      gate.runs[index]!.resolve(gate.runs[index]!.input)
      await clock.settle()
    }
    expect(gate.runs.map(({ input }) => input.id)).toEqual(['a', 'c', 'd', 'b'])
  })

  it("puts out what matters less for what matters more, where it says { drop: 'lowest' } and decides for itself", () => {
    const gate = gatedHandler<Ask>()
    const running = pipeline<Ask>('p')
      .stage('one', gate.handler, { capacity: 2, overflow: { drop: 'lowest', priority: (_, { rank = 0 }) => rank } })
      .start({ clock: new VirtualClock(), admission: 'stage' })
    const replies = [0, 1, 2, 3, 2].map((rank, index) => running.submit({ id: String(index), rank }))
    expect(replies.map(({ settled }) => settled)).toMatchObject([
      undefined,
      { kind: 'shed', reason: 'evicted', stage: 'one' },
      undefined,
      undefined,
      { kind: 'shed', reason: 'full' },
    ])
    expect(running.stages.one).toMatchObject({ queueDepth: 2, shed: 2 })
  })
})

describe.each(['door', 'stage'] as const)("a stage that weighs requests, with admission '%s'", (admission) => {
  it('decides for itself, and counts its depth in units', () => {
    const gate = gatedHandler<Ask>()
    const running = pipeline<Ask>('p')
      .stage('first', (ask) => ask, { capacity: 8 })
      .stage('one', gate.handler, { capacity: 5, weight: ({ size = 1 }) => size })
      .start({ clock: new VirtualClock(), admission })
    const replies = [9, 2, 6, 2.5, 1, 0.5].map((size, index) => running.submit({ id: String(index), size }))
    expect(replies.map(({ settled }) => settled)).toMatchObject([
      // It weighs more than all that may wait, but a slot is free.
      undefined,
      undefined,
      { kind: 'shed', stage: 'one', reason: 'too-large' },
      undefined,
      { kind: 'shed', stage: 'one', reason: 'full' },
      undefined,
    ])
    expect(running.stages.one).toMatchObject({ queueDepth: 5, capacity: 5, running: 1, shed: 2 })
    expect(running.ledger()).toMatchObject({ submitted: 6, shed: 2, inFlight: 4 })
  })

  it('gives back the places that were reserved behind it', async () => {
    const clock = new VirtualClock()
    const gate = gatedHandler<Ask>()
    const running = pipeline<Ask>('p')
      .stage('one', gate.handler, { capacity: 1, weight: ({ size = 1 }) => size })
      .stage('last', (ask) => ask, { capacity: 2 })
      .start({ clock, admission })
    for (let round = 0; round < 5; round++) running.submit({ id: 'heavy', size: round === 0 ? 1 : 5 })
    expect(running.submit({ id: 'light' }).settled).toBeUndefined()
    expect(running.ledger()).toMatchObject({ shed: 4, inFlight: 2 })
  })
})

describe('a rank that cannot be told', () => {
  it.each<[string, (ask: Ask) => number, string]>([
    ['weight', () => 0, 'it must be a finite number above 0, got 0'],
    ['weight', () => Infinity, 'got Infinity'],
    ['weight', () => 'secret' as never, 'it must be a number, got a value of type string'],
    ['priority', () => NaN, 'it must be a number, got NaN'],
    [
      'priority',
      () => {
        throw new Error('secret')
      },
      'the function threw',
    ],
  ])('of %s fails its request alone', (option, fn, message) => {
    const running = pipeline<Ask>('p')
      .stage('first', (ask) => ask, { capacity: 1 })
      .stage('one', ({ id }) => id, { capacity: 1, [option]: (ask: Ask) => (ask.id === 'bad' ? fn(ask) : 1) })
      .start({ clock: new VirtualClock() })
    for (let round = 0; round < 9; round++) {
      const { settled } = running.submit({ id: 'bad' })
      expect(settled).toMatchObject({ kind: 'failed', stage: 'one', error: expect.any(StageError) as unknown })
      const { error } = settled as { error: StageError }
      expect(error.message).toContain(`stage "one" could not tell the ${option} of the request`)
      expect(error.message).toContain(message)
      expect(error.message).not.toContain('secret')
    }
    expect(running.submit({ id: 'good' }).settled).toMatchObject({ kind: 'completed', value: 'good' })
    expect(running.ledger()).toMatchObject({ submitted: 10, failed: 9, completed: 1, inFlight: 0 })
  })

  it('is asked once, so that a crash can put the request back', async () => {
    const clock = new VirtualClock()
    const gate = gatedHandler<Ask>()
    let asked = 0
    const running = pipeline<Ask>('p')
      .stage(
        'one',
        (ask, context) => {
          if (ask.id === 'crash') throw new StageCrash('broken')
          return gate.handler(ask, context)
        },
        {
          capacity: 4,
          concurrency: 2,
          priority: ({ id }) => {
            if (id === 'a' && ++asked > 1) throw new Error('asked twice')
            return 1
          },
        },
      )
      .start({ clock, supervision: { backoff: () => 10 } })
    const reply = running.submit({ id: 'a' })
    running.submit({ id: 'crash' })
    await clock.advance(10)
    gate.runs[1]!.resolve({ id: 'a' })
    await clock.settle()
    expect(reply.settled).toMatchObject({ kind: 'completed' })
  })
})
