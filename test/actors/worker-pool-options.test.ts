import { describe, expect, it } from 'vitest'
import { fromWorkerPool } from '../../actors/public.ts'

describe('the options of a pool', () => {
  const bad: readonly (readonly [object, string])[] = [
    [{ workers: 0 }, 'workers must be a whole number from 1'],
    [{ worker: 1 }, 'worker'],
    [{ routing: 'random' }, 'routing must be "least-load" or { affinity: (item) => string }, got "random"'],
    [{ routing: 7 }, 'routing must be "least-load" or { affinity: (item) => string }, got 7'],
    [{ routing: { affinity: 'session' } }, 'routing.affinity'],
    [{ routing: { affinity: () => 's', by: 1 } }, 'by'],
    [{ channel: { capacity: -1 } }, 'capacity'],
    [{ channel: { capacity: 1, onLost: 1 } }, 'onLost'],
    [{ channel: undefined }, 'capacity'],
    [{ onCrash: 'never' }, 'onCrash'],
    [{ supervision: { maxRestarts: -1 } }, 'maxRestarts'],
    [{ supervision: { strategy: 'one-for-all' } }, 'strategy'],
    [{ shutdownTimeoutMs: -1 }, 'shutdownTimeoutMs'],
    [{ onValue: 'log' }, 'onValue must be a function, got "log"'],
    [{ onError: true }, 'onError must be a function, got true'],
    [{ onPutBack: null }, 'onPutBack must be a function, got null'],
    [{ onTrouble: {} }, 'onTrouble must be a function, got an object'],
  ]
  it.each(bad)('%j say what is wrong', (options, message) => {
    expect(() => fromWorkerPool(() => 1, { workers: 3, channel: { capacity: 10 }, ...options })).toThrow(message)
  })

  it('ask for a handler', () => {
    expect(() => fromWorkerPool(undefined as never, { workers: 1, channel: { capacity: 1 } })).toThrow('handler')
  })
})
