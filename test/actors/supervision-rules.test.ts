import { describe, expect, it } from 'vitest'
import { RestartIntensityError } from '../../actors/index.ts'
import {
  type Happening,
  initialSupervision,
  isOver,
  type RestartPolicy,
  type RestartStrategy,
  type Step,
  supervision,
  type SupervisionState,
} from '../../actors/supervision-rules.ts'

/** The pure rules for children a, b, c: what is to be done at each happening, as short words. */
class Rules {
  state: SupervisionState
  at = 0
  steps: readonly Step[] = []
  private readonly rules: Parameters<typeof supervision>[0]

  constructor(
    strategy: RestartStrategy = 'one-for-one',
    maxRestarts = 3,
    policies: readonly RestartPolicy[] = [],
    backoff = () => 10,
    stopping: 'one-by-one' | 'together' = 'one-by-one',
  ) {
    this.rules = {
      children: ['a', 'b', 'c'].map((id, index) => ({ id, restart: policies[index] ?? 'transient' })),
      strategy,
      startFrom: 'first',
      stopping,
      maxRestarts,
      withinMs: 1000,
      healthyAfterMs: 1000,
      backoff,
    }
    this.state = initialSupervision(this.rules)
    expect(this.do({ type: 'proceed' })).toEqual(['start a'])
    expect(this.do({ type: 'proceed' })).toEqual(['start b'])
    expect(this.do({ type: 'proceed' })).toEqual(['start c'])
    expect(this.do({ type: 'proceed' })).toEqual([])
  }

  do(happening: Happening): readonly string[] {
    const { state, steps } = supervision(this.rules, this.state, happening, this.at)
    this.state = state
    this.steps = steps
    return steps.flatMap((step) => ('id' in step ? [`${step.do} ${step.id}`] : step.do === 'tell' ? [] : [step.do]))
  }

  get told(): readonly object[] {
    return this.steps.flatMap((step) => (step.do === 'tell' ? [step.event] : []))
  }
}

const error = new Error('broken')
const crashed = (id: string): Happening => ({ type: 'crashed', id, error })
const stopped = (id: string): Happening => ({ type: 'stopped', id, how: 'stopped' })
const due = (id: string): Happening => ({ type: 'due', id })

describe('what changes nothing', () => {
  it.each<[string, Happening]>([
    ['a child that there is none of', crashed('d')],
    ['the stop of a child that nobody stopped', stopped('a')],
    ['a time that nobody waits for', due('a')],
    ['a proceed when all run', { type: 'proceed' }],
  ])('%s', (_, happening) => {
    const rules = new Rules()
    const before = rules.state
    expect(rules.do(happening)).toEqual([])
    expect(rules.state).toEqual(before)
  })

  it('a crash of a child that is down, and the time of another one', () => {
    const rules = new Rules()
    expect(rules.do(crashed('a'))).toEqual(['wait a'])
    const before = rules.state
    expect(rules.do(crashed('a'))).toEqual([])
    expect(rules.do(due('b'))).toEqual([])
    expect(rules.state).toEqual(before)
    expect(rules.do(due('a'))).toEqual(['start a'])
  })

  it('a second stop', () => {
    const rules = new Rules()
    expect(rules.do({ type: 'stop' })).toEqual(['stop c'])
    expect(rules.do({ type: 'stop' })).toEqual([])
  })
})

describe('a start', () => {
  it('is followed by the next when it is known not to have failed at once, and not before', () => {
    const rules = new Rules('one-for-all')
    expect(rules.do(crashed('a'))).toEqual(['stop c'])
    rules.do(stopped('c'))
    expect(rules.do(stopped('b'))).toEqual(['cancel b', 'wait a'])
    expect(rules.do(due('a'))).toEqual(['start a'])
    expect(rules.do(due('b'))).toEqual([])
    expect(rules.do({ type: 'proceed' })).toEqual(['start b'])
  })

  it('that fails at once has the others wait for the next', () => {
    const rules = new Rules('rest-for-one')
    rules.do(crashed('b'))
    rules.do(stopped('c'))
    expect(rules.do(due('b'))).toEqual(['start b'])
    expect(rules.do(crashed('b'))).toEqual(['wait b'])
    expect(rules.do({ type: 'proceed' })).toEqual([])
    expect(rules.do(due('b'))).toEqual(['start b'])
    expect(rules.do({ type: 'proceed' })).toEqual(['start c'])
  })
})

describe('what is told', () => {
  it('of a crash: who is stopped and who is started, in this order', () => {
    const rules = new Rules('one-for-all', 3, ['transient', 'transient', 'temporary'])
    rules.do({ type: 'ended', id: 'b' })
    expect(rules.told).toEqual([
      {
        type: 'stopped',
        id: 'b',
        how: 'ended',
        decision: 'leave',
        restarts: 0,
        delayMs: 0,
        stopping: [],
        starting: [],
      },
    ])
    rules.do(crashed('a'))
    expect(rules.told).toEqual([
      {
        ...{ type: 'crashed', id: 'a', error, decision: 'restart', restarts: 1, delayMs: 10 },
        stopping: ['c'],
        starting: ['a', 'b'],
      },
    ])
    rules.do(stopped('c'))
    expect(rules.told).toStrictEqual([{ type: 'stopped', id: 'c', how: 'stopped' }])
    rules.do(due('a'))
    expect(rules.told).toEqual([{ type: 'restarted', id: 'a', by: 'a', restarts: 1 }])
  })

  it('of a child that is to be stopped and falls before its turn: it is covered, and counts no more', () => {
    const rules = new Rules('rest-for-one')
    expect(rules.do(crashed('a'))).toEqual(['stop c'])
    expect(rules.do(crashed('b'))).toEqual([])
    expect(rules.told).toEqual([
      {
        ...{ type: 'crashed', id: 'b', error, decision: 'covered', restarts: 1 },
        delayMs: 0,
        stopping: [],
        starting: [],
      },
    ])
    expect(rules.do(stopped('c'))).toEqual(['cancel c', 'wait a'])
    rules.do(due('a'))
    expect(rules.do({ type: 'proceed' })).toEqual(['start b'])
  })

  it('of a child that falls as it is stopped: with its error', () => {
    const rules = new Rules('rest-for-one')
    rules.do(crashed('b'))
    rules.do(crashed('c'))
    expect(rules.told).toStrictEqual([{ type: 'stopped', id: 'c', how: 'stopped', error }])
  })

  it('of a child that ended for the last time: nothing escalates with its error', () => {
    const rules = new Rules('one-for-one', 0, ['permanent'])
    rules.do({ type: 'ended', id: 'a' })
    expect(rules.told.at(-1)).toEqual({
      ...{ type: 'escalated', id: 'a', error: undefined, restarts: 0 },
      reason: new RestartIntensityError(
        'child "a" ended once more after 0 restarts within 1000 ms (maxRestarts, withinMs)',
      ),
    })
  })
})

describe('children that are stopped together', () => {
  it('are asked in the reverse order, none waiting for another, and started when the last is down', () => {
    const rules = new Rules('one-for-all', 3, [], () => 10, 'together')
    expect(rules.do(crashed('b'))).toEqual(['stop c', 'stop a'])
    expect(rules.do(stopped('a'))).toEqual(['cancel a'])
    expect(rules.do(due('c'))).toEqual(['force c'])
    expect(rules.do(stopped('c'))).toEqual(['cancel c', 'wait b'])
    expect(rules.do(due('b'))).toEqual(['start a'])
  })

  it('are those that the supervisor has when it is to stop', () => {
    const rules = new Rules('one-for-one', 3, [], () => 10, 'together')
    rules.do(crashed('b'))
    expect(rules.do({ type: 'stop' })).toEqual(['cancel b', 'stop c', 'stop a'])
    rules.do(stopped('a'))
    expect(isOver(rules.state)).toBe(false)
    rules.do(stopped('c'))
    expect(isOver(rules.state)).toBe(true)
  })
})

describe('a backoff', () => {
  it.each([NaN, Infinity, -1, undefined, '5'])(
    'that gives %s ends the supervisor with an error that names it',
    (ms) => {
      const rules = new Rules('one-for-one', 3, [], () => ms as number)
      expect(rules.do(crashed('b'))).toEqual(['give-up', 'stop c'])
      const reason = /^the delay that backoff gives must be a number from 0, and finite, got /
      expect(rules.told.at(-1)).toMatchObject({
        type: 'escalated',
        reason: { message: expect.stringMatching(reason) as string },
      })
    },
  )
})

describe('a supervisor that gives up', () => {
  it('says whom it stops, of those that are up, and goes on to do so when it is told to stop', () => {
    const rules = new Rules('one-for-one', 1)
    rules.do(crashed('b'))
    expect(rules.do(crashed('c'))).toEqual(['give-up', 'cancel b', 'stop a'])
    expect(rules.told).toEqual([
      {
        ...{ type: 'crashed', id: 'c', error, decision: 'escalate', restarts: 1, delayMs: 0 },
        stopping: ['a'],
        starting: [],
      },
      { type: 'escalated', id: 'c', error, restarts: 1, reason: expect.any(RestartIntensityError) as Error },
    ])
    expect(rules.do({ type: 'stop' })).toEqual([])
    expect(rules.state.aim).toBe('give-up')
    expect(isOver(rules.state)).toBe(false)
    rules.do(stopped('a'))
    expect(isOver(rules.state)).toBe(true)
  })
})

it('restarts without a limit are counted, and none is kept', () => {
  const rules = new Rules('one-for-one', Infinity)
  for (let crash = 1; crash <= 3; crash++) {
    rules.do(crashed('a'))
    expect(rules.told).toMatchObject([{ type: 'crashed', decision: 'restart', restarts: crash }])
    rules.do(due('a'))
    rules.do({ type: 'proceed' })
  }
  expect(rules.state.restarts).toEqual([])
})
