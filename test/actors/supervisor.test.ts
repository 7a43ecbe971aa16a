import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { NEVER, Observable, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { createActor, fromCallback, fromPromise } from 'xstate'
import {
  type ChildSpec,
  fromStage,
  RestartIntensityError,
  StageCrash,
  supervise,
  type SupervisorEvent,
  type SupervisorOptions,
} from '../../actors/index.ts'
import { Channel, exponentialBackoff } from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

/** A root supervisor on a virtual clock, all that it told, and how it ended. */
function root(children: readonly ChildSpec[], options: SupervisorOptions = {}) {
  const clock = new VirtualClock()
  const backoff = exponentialBackoff({ random: () => 0 })
  const actor = createActor(supervise(children, { backoff, clock, ...options }), { clock })
  const told: string[] = []
  const note = (event: SupervisorEvent): void => {
    told.push(`${clock.now()} ${event.type} ${event.id}`)
  }
  for (const type of ['started', 'restarted', 'stopped', 'crashed', 'escalated'] as const) actor.on(type, note)
  const ends: unknown[] = []
  actor.subscribe({ error: (error: unknown) => ends.push(error) })
  actor.start()
  return { clock, actor, told, ends }
}

/** A child that fails when it is told to; counts how it is started and stopped. */
function fragile(id: string, journal: string[] = []) {
  let fail: (error: Error) => void = () => undefined
  const child: ChildSpec = {
    id,
    start: () =>
      new Observable((subscriber) => {
        journal.push(`start ${id}`)
        fail = (error) => {
          subscriber.error(error)
        }
        return () => journal.push(`stop ${id}`)
      }),
  }
  return { child, journal, fail: (message: string) => fail(new Error(message)) }
}

describe('supervise', () => {
  it('starts its children in order and restarts the one that crashed, after a backoff that grows', async () => {
    const journal: string[] = []
    const a = fragile('a', journal)
    const b = fragile('b', journal)
    const { clock, told } = root([a.child, b.child])
    expect(journal).toEqual(['start a', 'start b'])
    a.fail('once')
    await clock.advance(49)
    expect(journal).toEqual(['start a', 'start b', 'stop a'])
    await clock.advance(1)
    expect(journal.slice(3)).toEqual(['start a'])
    a.fail('twice')
    await clock.advance(100)
    expect(journal.slice(4)).toEqual(['stop a', 'start a'])
    const started = ['0 started a', '0 started b']
    expect(told.slice(-4)).toEqual(['0 crashed a', '50 restarted a', '50 crashed a', '150 restarted a'])
    expect(told.slice(0, -4).every((line) => started.includes(line))).toBe(true)
  })

  it('restarts promises and XState logic as well', async () => {
    let tries = 0
    const promised: ChildSpec = {
      id: 'promise',
      start: () => (++tries === 1 ? Promise.reject(new Error('first time')) : Promise.resolve('done')),
    }
    let starts = 0
    const logic: ChildSpec = {
      id: 'callback',
      start: fromCallback(() => {
        starts += 1
        if (starts === 1) throw new Error('first time')
      }),
    }
    const thrower: ChildSpec = {
      id: 'promise logic',
      start: fromPromise(async () => {
        throw new Error('always')
      }),
    }
    const { clock, told, ends } = root([promised, logic, thrower], { maxRestarts: 4 })
    await clock.advance(50)
    expect(tries).toBe(2)
    expect(starts).toBe(2)
    expect(told).toContain('50 restarted promise')
    expect(told).toContain('50 restarted callback')
    await clock.advance(1000)
    expect(told.filter((line) => line.includes('stopped'))).toEqual(['50 stopped promise', '150 stopped callback'])
    expect(told.at(-2)).toBe('150 escalated promise logic')
    expect(ends).toHaveLength(1)
  })

  it('does not start a child again that ended by itself', async () => {
    let starts = 0
    const { clock, told } = root([
      {
        id: 'brief',
        start: () => {
          starts += 1
          return Promise.resolve()
        },
      },
    ])
    await clock.advance(60_000)
    expect(starts).toBe(1)
    expect(told).toContain('0 stopped brief')
  })

  it('is done with autoShutdown when all of its children have ended, and nobody is to be started again', async () => {
    const ends = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let tries = 0
    const { clock, actor } = root(
      [
        { id: 'a', start: () => ends[0]!.promise },
        { id: 'b', start: () => (++tries === 1 ? Promise.reject(new Error('first time')) : ends[1]!.promise) },
      ],
      { autoShutdown: 'all' },
    )
    ends[0]!.resolve()
    await clock.settle()
    expect(actor.getSnapshot().status).toBe('active')
    await clock.advance(50)
    expect([tries, actor.getSnapshot().status]).toEqual([2, 'active'])
    ends[1]!.resolve()
    await clock.settle()
    expect(actor.getSnapshot().status).toBe('done')
  })

  it('goes on without autoShutdown when all of its children have ended', async () => {
    const { clock, actor } = root([{ id: 'brief', start: () => Promise.resolve() }])
    await clock.settle()
    expect(actor.getSnapshot().status).toBe('active')
    expect(() => supervise([], { autoShutdown: 'any' as never })).toThrow(
      'autoShutdown must be one of "never", "all", got "any"',
    )
  })

  it('takes a start that throws for a crash', async () => {
    let tries = 0
    const { clock, told } = root([
      {
        id: 'thrower',
        start: () => {
          tries += 1
          if (tries === 1) throw new Error('at the start')
          return NEVER
        },
      },
    ])
    await clock.advance(50)
    expect(tries).toBe(2)
    expect(told.at(-1)).toBe('50 restarted thrower')
  })

  it.each([['text'], [['a', 'list']], [undefined]])('takes a start that gives %j for a crash', (given) => {
    const { ends } = root([{ id: 'a', start: () => given as never }], { maxRestarts: 0 })
    const shown = typeof given === 'string' ? '"text"' : given === undefined ? 'undefined' : 'an array'
    expect(ends).toMatchObject([
      { cause: new TypeError(`child "a": start must give an Observable or a promise, got ${shown}`) },
    ])
  })

  it('never gives up with maxRestarts Infinity', async () => {
    const { clock, told, ends } = root([{ id: 'a', start: () => throwError(() => new Error('no')) }], {
      maxRestarts: Infinity,
      backoff: () => 1,
    })
    await clock.advance(1_000)
    expect([told.filter((line) => line.endsWith('restarted a')).length, ends]).toEqual([1_000, []])
  })

  it('escalates beyond its intensity: stops the others in reverse order and ends with a RestartIntensityError', async () => {
    const journal: string[] = []
    const [a, b, c] = [fragile('a', journal), fragile('b', journal), fragile('c', journal)]
    const { clock, actor, told, ends } = root([a.child, b.child, c.child], { maxRestarts: 1, withinMs: 1000 })
    b.fail('first')
    await clock.advance(50)
    b.fail('second')
    await clock.settle()
    expect(journal.slice(0, 5)).toEqual(['start a', 'start b', 'start c', 'stop b', 'start b'])
    expect(journal.slice(5)).toEqual(['stop b', 'stop c', 'stop a'])
    expect(told.slice(-4)).toEqual(['50 crashed b', '50 escalated b', '50 stopped c', '50 stopped a'])
    expect(ends).toHaveLength(1)
    const error = ends[0] as RestartIntensityError
    expect(error).toBeInstanceOf(RestartIntensityError)
    expect(error.code).toBe('restart_intensity')
    expect(error.message).toContain('child "b"')
    expect(error.cause).toEqual(new Error('second'))
    expect(actor.getSnapshot().status).toBe('error')
    expect(clock.pending).toBe(0)
  })

  it('counts the restarts of all its children within the window', async () => {
    const [a, b] = [fragile('a'), fragile('b')]
    const { clock, ends } = root([a.child, b.child], { maxRestarts: 1, withinMs: 1000 })
    for (let round = 0; round < 5; round++) {
      a.fail('slowly')
      await clock.advance(1000)
      b.fail('slowly')
      await clock.advance(1000)
    }
    expect(ends).toEqual([])
    a.fail('now')
    await clock.advance(500)
    b.fail('too soon')
    await clock.settle()
    expect(ends).toHaveLength(1)
  })

  it('stops its children and forgets the pending restarts when it is stopped', async () => {
    const journal: string[] = []
    const [a, b] = [fragile('a', journal), fragile('b', journal)]
    const { clock, actor } = root([a.child, b.child])
    a.fail('once')
    actor.stop()
    await clock.runAll()
    expect(journal).toEqual(['start a', 'start b', 'stop a', 'stop b'])
    expect(clock.pending).toBe(0)
  })

  it('restarts a stage whose handler crashes it, and the queue survives', async () => {
    const channel = new Channel<string>({ capacity: 10 })
    const values: string[] = []
    const errors: unknown[] = []
    const stage = fromStage(
      (item: string) => {
        if (item === 'bad') throw new StageCrash('broken')
        return item
      },
      { channel, onValue: (value) => values.push(value), onError: (error) => errors.push(error) },
    )
    const { clock } = root([{ id: 'stage', start: stage }])
    for (const item of ['a', 'bad', 'b', 'c']) channel.offer(item)
    expect(values).toEqual(['a'])
    expect(channel.size).toBe(2)
    await clock.advance(50)
    expect(values).toEqual(['a', 'b', 'c'])
    expect(errors).toHaveLength(1)
  })

  it.each([
    [{ maxRestarts: -1 }, 'maxRestarts must be a whole number from 0'],
    [{ maxRestarts: 1.5 }, 'got 1.5'],
    [{ withinMs: 0 }, 'withinMs must be a number from 1'],
    [{ strategy: 'all' as never }, 'strategy must be one of "one-for-one", "rest-for-one", "one-for-all", got "all"'],
    [{ startFrom: 'middle' as never }, 'startFrom must be one of "first", "last", got "middle"'],
    [{ healthyAfterMs: -1 }, 'healthyAfterMs must be a number from 0'],
    [{ retries: 1 } as never, 'unknown option "retries"'],
  ])('refuses the options %j', (options, message) => {
    expect(() => supervise([], options)).toThrow(message)
  })

  it.each<[unknown, string]>([
    [undefined, 'supervise: children must be a list, got undefined'],
    [{}, 'supervise: children must be a list, got an object'],
    [[null], 'children[0]: options must be an object, got null'],
    [[{ id: 'a', start: null }], 'child "a": start must be XState logic or a function that gives'],
    [
      [{ id: 'a', start: () => NEVER, restrat: 'permanent' }],
      'children[0]: unknown option "restrat"; known are id, start',
    ],
  ])('refuses the children %j', (children, message) => {
    expect(() => supervise(children as readonly ChildSpec[])).toThrow(message)
  })

  it('refuses children without a name, of one name, or that cannot be started', () => {
    const twin = { id: 'twin', start: () => NEVER }
    expect(() => supervise([{ ...twin, id: '' }])).toThrow('children[0].id must not be empty')
    expect(() => supervise([twin, { start: twin.start } as never])).toThrow('children[1].id must be a string')
    expect(() => supervise([twin, 5 as never])).toThrow('children[1]: options must be an object, got 5')
    expect(() => supervise([twin, twin])).toThrow('two children have the same id')
    expect(() => supervise([{ id: 'odd', start: 5 as never }])).toThrow('child "odd": start must be XState logic')
    const allowed = 'start must be XState logic or a function that gives an Observable or a promise'
    const unwrapped = (value: unknown) => () => supervise([{ id: 'a', start: value as never }])
    expect(unwrapped(NEVER)).toThrow(`child "a": ${allowed}, got an Observable`)
    expect(unwrapped(Promise.resolve())).toThrow(`child "a": ${allowed}, got a promise`)
    expect(() => supervise([{ ...twin, restart: 'always' as never }])).toThrow('child "twin": restart must be one of')
    expect(() => supervise([{ ...twin, shutdownTimeoutMs: -1 }])).toThrow('child "twin": shutdownTimeoutMs must be')
  })
})

describe('a process', () => {
  /** Runs a program of its own, where an error that nobody observes would be the end. */
  async function run(program: string): Promise<string> {
    const actors = new URL('../../actors/index.ts', import.meta.url).href
    const operators = new URL('../../operators/index.ts', import.meta.url).href
    const imports = `
      import { createActor } from 'xstate'
      import { supervise, fromStage, StageCrash } from ${JSON.stringify(actors)}
      import { Channel } from ${JSON.stringify(operators)}
      import { throwError } from 'rxjs'
      process.on('exit', (code) => { if (code === 0) console.log('alive') })
    `
    const argv = ['--conditions=source', '--input-type=module-typescript', '--eval', imports + program]
    const { stdout } = await promisify(execFile)(process.execPath, argv, {
      cwd: new URL('../..', import.meta.url),
      encoding: 'utf8',
    })
    return stdout
  }

  it('survives crashes, restarts and the escalation of a supervisor that is observed', async () => {
    const stdout = await run(`
      const channel = new Channel({ capacity: 10 })
      const stage = fromStage(() => { throw new StageCrash('broken') }, { channel })
      const children = [{ id: 'stage', start: stage }, { id: 'failing', start: () => throwError(() => new Error('no')) }]
      const actor = createActor(supervise(children, { maxRestarts: 2, backoff: () => 0 }))
      actor.subscribe({ error: (error) => console.log(error.code) })
      actor.start()
      for (let i = 0; i < 5; i++) channel.offer(i)
    `)
    expect(stdout.split('\n').filter((line) => line !== '')).toEqual(['restart_intensity', 'alive'])
  })

  it('hears the error of a root supervisor that nobody observes, as XState has it', async () => {
    const dead = run(`
      createActor(supervise([{ id: 'failing', start: () => throwError(() => new Error('no')) }], { maxRestarts: 0 })).start()
    `)
    await expect(dead).rejects.toThrow('restart_intensity')
  })
})

describe('throwError', () => {
  it('is a crash at the very start, before anybody could listen', async () => {
    const { clock, told } = root([{ id: 'failing', start: () => throwError(() => new Error('no')) }], {
      maxRestarts: 1,
    })
    await clock.advance(1000)
    expect(told.slice(-3)).toEqual(['50 restarted failing', '50 crashed failing', '50 escalated failing'])
  })
})
