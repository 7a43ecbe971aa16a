import { afterEach, describe, expect, test, vi } from 'vitest'
import { chatPipeline, type StageOptions } from '../../../src/index.ts'
import { readConversation } from '../../../src/conversation.ts'
import { SessionTurns } from '../../../src/pipeline/session-turns.ts'
import { checkInvariants, VirtualClock } from '../../../src/testing/index.ts'
import { echo } from '../../../src/workers/index.ts'
import { scaled } from '../../effort.ts'
import { createModelSessionStore, ModelData } from '../../fixtures/model-session-store.ts'
import { failureOf } from './failure-of.ts'
import { type Options, priority, type Request, request, stagesOf, weight } from './planted-stages.ts'
import { whateverSeed } from './whatever-seed.ts'

const store = createModelSessionStore({ clock: new VirtualClock(), data: new ModelData() })
const next = { capacity: 1, concurrency: 2 }

afterEach(() => {
  vi.restoreAllMocks()
})

describe('requests of one session take turns, whatever the first stage is', () => {
  const stages: readonly (readonly [string, Options])[] = [
    ['plain', { capacity: 2, concurrency: 2 }],
    ['without room', { capacity: 0, concurrency: 2 }],
    ['by priority', { capacity: 3, priority }],
    ['weighed', { capacity: 3, weight, overflow: 'drop-oldest' }],
    ['where the lowest give way', { capacity: 2, overflow: { drop: 'lowest', priority } }],
    ['where nothing may be lost', { capacity: 2, overflow: 'fail' }],
    ['where they expire', { capacity: 3, ttlMs: 10 }],
    ['where they wait for room', { capacity: 1, wait: { ms: 20, max: 2 } }],
  ]
  test.each(stages)('%s', async (_, options) => {
    const runs = scaled(80)
    const pipeline = stagesOf(options, next)
    for (const maxWaiting of [0, 2, 8]) {
      await checkInvariants(pipeline, { request, runs, maxItems: 24, start: { sessions: { store, maxWaiting } } })
    }
  })

  test('also where it is the only one', async () => {
    await checkInvariants(stagesOf({ capacity: 2 }), { request, runs: scaled(200), start: { sessions: { store } } })
  })

  test('and side by side where they are not to', async () => {
    const start = { sessions: { store, serial: false } }
    await checkInvariants(stagesOf({ capacity: 2 }, next), { request, runs: scaled(100), start })
  })
})

test('a chat keeps its conversations meanwhile', async () => {
  const sessions = { store, onOutage: 'fail' as const }
  const { outcomes } = await checkInvariants(() => chatPipeline({ worker: echo() }), {
    request: (index) => ({ input: `question ${index}` }),
    runs: scaled(150),
    start: { sessions },
  })
  expect(Object.keys(outcomes)).toContain('completed')
  const { messages } = readConversation((await store.get('a'))?.state)
  expect(messages.length % 2).toBe(0)
  messages.forEach(({ role }, at) => {
    expect(role).toBe(at % 2 === 0 ? 'user' : 'assistant')
  })
})

describe('what is wrong with the turns is caught', () => {
  const sessions = { store }
  const pipeline = stagesOf({ capacity: 3, concurrency: 2 } satisfies StageOptions<unknown, Request>, next)

  test('when they are not waited for', async () => {
    vi.spyOn(SessionTurns.prototype, 'join').mockReturnValue(undefined)
    await whateverSeed(3, async (seed) => {
      const { invariant, message, scenario } = await failureOf(pipeline, { request, seed, start: { sessions } })
      expect(invariant, message).toBe('Order')
      expect(message).toMatch(/stage stage 0 starts request \d+ before request \d+ of its session has ended/)
      expect(scenario.match(/request \d+ .*arrives at/g)?.length, message).toBeLessThanOrEqual(3)
    })
  })

  test('when they do not pass on', async () => {
    const { leave } = SessionTurns.prototype
    vi.spyOn(SessionTurns.prototype, 'leave').mockImplementation(function (this: SessionTurns<never>, item) {
      Object.assign(this, { onTurn: () => undefined })
      leave.call(this, item)
    })
    await whateverSeed(3, async (seed) => {
      const { invariant, message } = await failureOf(pipeline, { request, seed, start: { sessions } })
      expect(invariant, message).toBe('Work-conserving')
    })
  })

  test('when more may wait than are allowed', async () => {
    const { join } = SessionTurns.prototype
    vi.spyOn(SessionTurns.prototype, 'join').mockImplementation(function (this: SessionTurns<never>, item) {
      Object.assign(this, { maxWaiting: 1 })
      return join.call(this, item)
    })
    await whateverSeed(3, async (seed) => {
      const start = { sessions: { store, maxWaiting: 0 } }
      const { invariant, message } = await failureOf(pipeline, { request, seed, start })
      expect(invariant, message).toBe('Sheds exactly when it must')
      expect(message).toMatch(/is not shed as rate, but 1 of its session are on their way/)
    })
  })
})
