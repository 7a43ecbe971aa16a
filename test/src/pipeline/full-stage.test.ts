import { describe, expect, it } from 'vitest'
import { type Outcome, pipeline, StageCrash } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

describe("a stage that is full, of overflow 'drop-oldest'", () => {
  it.each([
    ['door', [undefined, undefined, { kind: 'shed', stage: 'one', reason: 'door' }]],
    ['stage', [undefined, { kind: 'shed', stage: 'one', reason: 'evicted' }, undefined]],
  ] as const)("gives way where admission is '%s' as that says", (admission, expected) => {
    const shed: Outcome<string>[] = []
    const running = pipeline<string>('p')
      .stage('one', () => new Promise<string>(() => undefined), { capacity: 1, overflow: 'drop-oldest' })
      .start({ clock: new VirtualClock(), admission })
    running.outcomes$.subscribe({ next: (outcome) => shed.push(outcome), error: () => undefined })
    const replies = ['a', 'b', 'c'].map((text) => running.submit(text))
    expect(replies.map(({ settled }) => settled?.kind)).toEqual(expected.map((end) => end?.kind))
    expect(shed).toMatchObject(expected.filter((end) => end !== undefined))
    expect(running.stages.one).toMatchObject({ queueDepth: 1, running: 1, shed: 1 })
  })
})

describe('a stage that is full while it backs off', () => {
  it("sheds at the door as 'stage-down', and as 'door' again once it is up", async () => {
    const clock = new VirtualClock()
    const running = pipeline<string>('p')
      .stage('first', (text) => text, { capacity: 8 })
      .stage(
        'second',
        (text) => {
          if (text === 'crash') throw new StageCrash('broken')
          return new Promise<string>(() => undefined)
        },
        { capacity: 1 },
      )
      .start({ clock, supervision: { backoff: () => 100 } })
    running.submit('crash')
    expect(running.stages.second.state).toBe('backing-off')
    const replies = ['a', 'b'].map((text) => running.submit(text))
    expect(running.submit('c').settled).toMatchObject({ kind: 'shed', stage: 'second', reason: 'stage-down' })
    expect(replies.map(({ settled }) => settled)).toEqual([undefined, undefined])
    await clock.advance(100)
    expect(running.stages.second).toMatchObject({ state: 'running', running: 1, queueDepth: 1 })
    expect(running.submit('d').settled).toMatchObject({ kind: 'shed', stage: 'second', reason: 'door' })
  })
})
