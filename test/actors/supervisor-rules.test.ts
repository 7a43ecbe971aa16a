import { Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { createActor, createMachine, fromCallback, setup, type Snapshot } from 'xstate'
import {
  type ChildContext,
  type ChildSpec,
  supervise,
  type SupervisorEvent,
  type SupervisorOptions,
} from '../../actors/index.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

type Told = Extract<SupervisorEvent, { readonly type: 'crashed' }>

/** Children that fall when they are told to, under a root supervisor, and a journal of what becomes of them. */
function family(specs: readonly Omit<ChildSpec, 'start'>[], options: SupervisorOptions = {}) {
  const clock = new VirtualClock()
  const journal: string[] = []
  const falls = new Map<string, (error?: Error) => void>()
  const children = specs.map((spec): ChildSpec => ({
    ...spec,
    start: () =>
      new Observable((subscriber) => {
        journal.push(`+${spec.id}`)
        falls.set(spec.id, (error) => {
          if (error === undefined) subscriber.complete()
          else subscriber.error(error)
        })
        return () => journal.push(`-${spec.id}`)
      }),
  }))
  const actor = createActor(supervise(children, { backoff: () => 10, clock, ...options }))
  const told: SupervisorEvent[] = []
  const note = (event: SupervisorEvent): void => {
    told.push(event)
  }
  for (const type of ['started', 'restarted', 'stopped', 'crashed', 'escalated'] as const) actor.on(type, note)
  const ends: unknown[] = []
  actor.subscribe({
    error: (error: unknown) => ends.push(error),
    complete: () => ends.push('complete'),
  })
  actor.start()
  /** What has become of the children since the last look. */
  const look = (): string => journal.splice(0).join(' ')
  const crash = (id: string): void => falls.get(id)?.(new Error(id))
  const end = (id: string): void => falls.get(id)?.()
  return { clock, actor, told, ends, look, crash, end }
}

const abc = [{ id: 'a' }, { id: 'b' }, { id: 'c' }]

describe('a strategy', () => {
  it.each([
    ['one-for-one', 'first', '-b +b'],
    ['rest-for-one', 'first', '-b -c +b +c'],
    ['one-for-all', 'first', '-b -c -a +a +b +c'],
    ['one-for-one', 'last', '-b +b'],
    ['rest-for-one', 'last', '-b -c +c +b'],
    ['one-for-all', 'last', '-b -a -c +c +b +a'],
  ] as const)('%s, started from the %s, stops and starts %s', async (strategy, startFrom, expected) => {
    const { clock, look, crash } = family(abc, { strategy, startFrom })
    expect(look()).toBe(startFrom === 'first' ? '+a +b +c' : '+c +b +a')
    crash('b')
    await clock.advance(10)
    expect(look()).toBe(expected)
  })

  it('says who crashed, which restart it is, what is done and when', async () => {
    const { clock, told, crash } = family(abc, { strategy: 'rest-for-one' })
    crash('b')
    await clock.advance(10)
    const error = new Error('b')
    expect(told.slice(3)).toEqual([
      {
        type: 'crashed',
        id: 'b',
        error,
        decision: 'restart',
        restarts: 1,
        delayMs: 10,
        stopping: ['c'],
        starting: ['b', 'c'],
      },
      { type: 'stopped', id: 'c', how: 'stopped' },
      { type: 'restarted', id: 'b', by: 'b', restarts: 1 },
      { type: 'restarted', id: 'c', by: 'b', restarts: 1 },
    ])
  })

  it('counts the restart of a group once', async () => {
    const { clock, crash, ends } = family(abc, { strategy: 'one-for-all', maxRestarts: 2 })
    crash('a')
    await clock.advance(10)
    crash('b')
    await clock.advance(10)
    expect(ends).toEqual([])
    crash('c')
    expect(ends).toMatchObject([{ code: 'restart_intensity' }])
  })

  it('lets a crash before the group take the place of the one that is backing off', async () => {
    const { clock, look, crash } = family(abc, { strategy: 'rest-for-one' })
    crash('b')
    await clock.advance(5)
    crash('a')
    look()
    await clock.advance(9)
    expect(look()).toBe('')
    await clock.advance(1)
    expect(look()).toBe('+a +b +c')
    expect(clock.pending).toBe(0)
  })
})

describe('a policy', () => {
  it('permanent starts a child again that has ended, transient and temporary do not', async () => {
    const specs = [{ id: 'p', restart: 'permanent' }, { id: 'd' }, { id: 't', restart: 'temporary' }] as const
    const { clock, look, end } = family(specs)
    look()
    for (const { id } of specs) end(id)
    await clock.advance(10)
    expect(look()).toBe('-p -d -t +p')
  })

  it('temporary is not started again when it crashes, nor with its group, and takes nobody with it', async () => {
    const { clock, look, crash, told } = family(
      [{ id: 'a' }, { id: 't', restart: 'temporary' }, { id: 'u', restart: 'temporary' }],
      {
        strategy: 'one-for-all',
        maxRestarts: 1,
      },
    )
    look()
    crash('t')
    await clock.advance(10)
    expect(look()).toBe('-t')
    expect((told.at(-1) as Told).decision).toBe('leave')
    crash('a')
    await clock.advance(10)
    expect(look()).toBe('-a -u +a')
  })

  it('transient is started again with its group also after it has ended', async () => {
    const { clock, look, crash, end } = family(abc, { strategy: 'one-for-all' })
    end('c')
    look()
    crash('a')
    await clock.advance(10)
    expect(look()).toBe('-a -b +a +b +c')
  })
})

describe('the backoff', () => {
  it('grows with each crash in a row of one child, and begins anew when the child has been healthy', async () => {
    const attempts: number[] = []
    const backoff = (attempt: number): number => {
      attempts.push(attempt)
      return 0
    }
    const { clock, crash } = family(abc, { backoff, healthyAfterMs: 100, maxRestarts: 100 })
    for (const [id, ms] of [
      ['a', 0],
      ['b', 0],
      ['a', 99],
      ['a', 100],
      ['a', 0],
    ] as const) {
      await clock.advance(ms)
      crash(id)
      await clock.advance(0)
    }
    expect(attempts).toEqual([1, 1, 2, 1, 2])
  })

  it('stops all and ends with the error when it throws', () => {
    const error = new Error('no delay')
    const { look, crash, ends } = family(abc, {
      backoff: () => {
        throw error
      },
    })
    look()
    crash('b')
    expect(look()).toBe('-b -c -a')
    expect(ends).toEqual([error])
  })
})

/** A child that looks at its signal, and does on its abort what it is told to. */
function asked(
  id: string,
  journal: string[],
  onAbort: (done: (error?: unknown) => void, context: ChildContext) => void,
) {
  return {
    id,
    start: (context: ChildContext) => {
      journal.push(`+${id}`)
      const { promise, resolve, reject } = Promise.withResolvers<undefined>()
      const done = (error?: unknown): void => {
        journal.push(`-${id}`)
        if (error === undefined) resolve(undefined)
        else reject(error)
      }
      context.signal.addEventListener('abort', () => {
        journal.push(`?${id}`)
        onAbort(done, context)
      })
      return promise
    },
  }
}

describe('stopping', () => {
  function stopped(children: readonly ChildSpec[], clock = new VirtualClock()) {
    const actor = createActor(supervise(children, { clock }))
    const told: SupervisorEvent[] = []
    actor.on('stopped', (event) => {
      told.push(event)
    })
    const ends: unknown[] = []
    actor.subscribe({ error: (error: unknown) => ends.push(error), complete: () => ends.push('complete') })
    actor.start()
    actor.send({ type: 'stop' })
    return { clock, told, ends }
  }

  it('asks one child after the other, in the reverse order, and waits for each', async () => {
    const clock = new VirtualClock()
    const journal: string[] = []
    const slow = (id: string) => asked(id, journal, (done) => clock.setTimeout(done, 10))
    const { ends, told } = stopped([slow('a'), slow('b')], clock)
    expect(journal).toEqual(['+a', '+b', '?b'])
    await clock.advance(10)
    expect(journal.slice(3)).toEqual(['-b', '?a'])
    await clock.advance(10)
    expect(journal.slice(5)).toEqual(['-a'])
    expect(ends).toEqual(['complete'])
    expect(told).toEqual([
      { type: 'stopped', id: 'b', how: 'stopped' },
      { type: 'stopped', id: 'a', how: 'stopped' },
    ])
    expect(clock.pending).toBe(0)
  })

  it('forces a child that does not heed within shutdownTimeoutMs', async () => {
    const { clock, told, ends } = stopped([{ ...asked('a', [], () => undefined), shutdownTimeoutMs: 20 }])
    await clock.advance(19)
    expect(ends).toEqual([])
    await clock.advance(1)
    expect(told).toEqual([{ type: 'stopped', id: 'a', how: 'forced' }])
    expect(ends).toEqual(['complete'])
  })

  it('takes a failure with the reason of the signal for obedience, and tells of any other', async () => {
    const obedient = asked('a', [], (done, { signal }) => {
      done(signal.reason)
    })
    const failing = asked('b', [], (done) => {
      done(new Error('while stopping'))
    })
    const { clock, told, ends } = stopped([obedient, failing])
    await clock.settle()
    expect(told).toEqual([
      { type: 'stopped', id: 'b', how: 'stopped', error: new Error('while stopping') },
      { type: 'stopped', id: 'a', how: 'stopped' },
    ])
    expect(ends).toEqual(['complete'])
  })

  it('asks a machine that takes the event, and stops other logic at once', async () => {
    const journal: string[] = []
    const machine = setup({}).createMachine({
      initial: 'on',
      states: { on: { on: { stop: 'closing' } }, closing: { on: { closed: 'off' } }, off: { type: 'final' } },
    })
    const callback = fromCallback(() => () => journal.push('-callback'))
    const clock = new VirtualClock()
    const actor = createActor(
      supervise(
        [
          { id: 'machine', start: machine },
          { id: 'callback', start: callback },
        ],
        { clock },
      ),
    ).start()
    const { children } = actor.getSnapshot() as { children: Record<string, { send(event: object): void }> }
    actor.send({ type: 'stop' })
    expect(journal).toEqual(['-callback'])
    expect(actor.getSnapshot().status).toBe('active')
    children['machine']?.send({ type: 'closed' })
    expect(actor.getSnapshot().status).toBe('done')
    expect(clock.pending).toBe(0)
  })

  it("asks no machine whose '*' would take the event: it does not know that it is to stop", () => {
    const heard: string[] = []
    const actions = ({ event }: { readonly event: { readonly type: string } }): unknown => heard.push(event.type)
    const all = createMachine({ on: { '*': { actions } } })
    const swallowing = createMachine({
      initial: 'on',
      on: { stop: '.off' },
      states: { on: { on: { '*': { actions } } }, off: {} },
    })
    for (const start of [all, swallowing]) {
      const actor = createActor(supervise([{ id: 'machine', start }])).start()
      actor.send({ type: 'stop' })
      expect([actor.getSnapshot().status, heard]).toEqual(['done', []])
    }
  })
})

describe('a snapshot', () => {
  it('is plain data, and a supervisor that is restored from it goes on with its backoffs', async () => {
    const clock = new VirtualClock()
    const starts: string[] = []
    let fail = (): void => undefined
    const logic = supervise(
      [
        {
          id: 'a',
          start: () =>
            new Observable((subscriber) => {
              starts.push('+a')
              fail = () => {
                subscriber.error(new Error('a'))
              }
            }),
        },
      ],
      { clock, backoff: () => 10 },
    )
    const first = createActor(logic).start()
    fail()
    const json = JSON.stringify(first.getPersistedSnapshot())
    first.stop()
    expect(clock.pending).toBe(0)
    createActor(logic, { snapshot: JSON.parse(json) as Snapshot<unknown> }).start()
    expect(starts).toEqual(['+a'])
    await clock.advance(10)
    expect(starts).toEqual(['+a', '+a'])
  })
})

describe('1,000 restarts', () => {
  it.each(['one-for-one', 'rest-for-one', 'one-for-all'] as const)('leave nothing behind: %s', async (strategy) => {
    const { clock, actor, look, crash } = family(abc, { strategy, maxRestarts: 1_000, backoff: () => 1 })
    for (let round = 0; round < 1_000; round++) {
      crash(['a', 'b', 'c'][round % 3] as string)
      await clock.advance(1)
    }
    const lines = look().split(' ')
    const open = (sign: string): number => lines.filter((line) => line.startsWith(sign)).length
    expect(open('+') - open('-')).toBe(3)
    expect(Object.keys((actor.getSnapshot() as { readonly children: object }).children).sort()).toEqual(['a', 'b', 'c'])
    expect(clock.pending).toBe(0)
    actor.send({ type: 'stop' })
    expect(look()).toBe('-c -b -a')
    expect(Object.keys((actor.getSnapshot() as { readonly children: object }).children)).toEqual([])
  })
})
