import { Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { type AnyActorRef, createActor, type InspectionEvent, type Snapshot } from 'xstate'
import { type ChildSpec, fromStage, fromWorkerPool, StageCrash, supervise } from '../../actors/public.ts'
import { Channel } from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

/** A supervisor with a child of each kind, and the items that came out of its stage and its pool. */
function family() {
  const clock = new VirtualClock()
  const channel = new Channel<string>({ capacity: 10 })
  const told: string[] = []
  const stage = fromStage(
    (item: string) => {
      if (item === 'poison') throw new StageCrash('broken')
      return item
    },
    { channel, onValue: (value) => told.push(`stage ${value}`) },
  )
  const pool = fromWorkerPool((item: string) => item, {
    workers: 2,
    channel: { capacity: 10 },
    onValue: (value) => told.push(`pool ${value}`),
    clock,
  })
  const children: readonly ChildSpec[] = [
    { id: 'stage', start: stage },
    { id: 'function', start: () => new Observable<number>((subscriber) => subscriber.next(1)) },
    { id: 'nested', start: supervise([{ id: 'promise', start: () => new Promise(() => undefined) }], { clock }) },
    { id: 'pool', start: pool },
  ]
  return { clock, channel, stage, pool, told, logic: supervise(children, { clock, backoff: () => 10 }) }
}

describe('inspect', () => {
  it('shows a supervisor, its children and what becomes of them, as an inspector needs it', async () => {
    const { clock, channel, logic } = family()
    const seen: InspectionEvent[] = []
    const root = createActor(logic, { clock, inspect: (event) => seen.push(event) })
    root.start()
    channel.offer('poison')
    await clock.advance(10)
    root.send({ type: 'stop' })
    await clock.runAll()

    const announced = new Map<string, AnyActorRef>()
    const last = new Map<string, string>()
    for (const event of seen) {
      const ref = event.actorRef as AnyActorRef
      expect(event.rootId).toBe(root.sessionId)
      if (event.type === '@xstate.actor') {
        expect(announced.has(ref.sessionId)).toBe(false)
        if (ref !== (root as AnyActorRef)) expect([...announced.keys()]).toContain(ref._parent?.sessionId)
        announced.set(ref.sessionId, ref)
      }
      expect([...announced.keys()]).toContain(ref.sessionId)
      if (event.type === '@xstate.event') {
        expect(event.event.type).toEqual(expect.any(String))
        if (event.sourceRef !== undefined)
          expect([...announced.keys()]).toContain((event.sourceRef as AnyActorRef).sessionId)
      }
      if (event.type === '@xstate.snapshot') last.set(ref.sessionId, event.snapshot.status)
    }
    const lives = [...announced.values()].map(({ id, sessionId }) => [id, last.get(sessionId)])
    const ends = (name: string): unknown[] => lives.filter(([id]) => id === name).map(([, status]) => status)
    expect(last.get(root.sessionId)).toBe('done')
    expect(ends('stage')).toEqual(['error', 'done'])
    expect(ends('function')).toEqual(['stopped'])
    expect(ends('nested')).toEqual(['done'])
    expect(ends('promise')).toEqual(['stopped'])
    expect(ends('pool')).toEqual(['done'])
    expect([ends('worker 0'), ends('worker 1')]).toEqual([['done'], ['done']])
  })

  it('shows the machine of a supervisor and of a stage in a form that can be sent', () => {
    const { logic } = family()
    const definitions = new Map<string, unknown>()
    const root = createActor(logic, {
      inspect: ({ type, actorRef }) => {
        const { id, logic: shown } = actorRef as AnyActorRef & { readonly logic: { readonly config?: unknown } }
        // That of logic that is no machine is a function.
        if (type !== '@xstate.actor' || typeof shown.config !== 'object') return
        definitions.set(id, JSON.parse(JSON.stringify(shown.config)))
      },
    })
    root.start()
    expect(definitions.get(root.id)).toMatchObject({ id: 'supervisor', initial: 'supervising' })
    expect(definitions.get('pool')).toMatchObject({ id: 'supervisor', initial: 'supervising' })
    expect(definitions.get('stage')).toMatchObject({ id: 'stage', initial: 'up' })
    root.stop()
  })
})

describe('a persisted snapshot', () => {
  it('is plain data of all that is supervised, from which a new actor goes on', () => {
    const { channel, pool, told, logic } = family()
    const first = createActor(logic).start()
    const persisted = first.getPersistedSnapshot()
    const restored = JSON.parse(JSON.stringify(persisted)) as Snapshot<unknown>
    expect(restored).toEqual(persisted)
    expect((persisted as { readonly children?: object }).children).toMatchObject({
      stage: { snapshot: { value: { up: 'running' } } },
      pool: { snapshot: { value: 'supervising' } },
    })
    first.stop()
    channel.offer('a')
    pool.offer('b')
    expect(told).toEqual([])
    createActor(logic, { snapshot: restored }).start()
    expect(told).toEqual(['stage a', 'pool b'])
    expect(pool.figures().workers.map(({ state }) => state)).toEqual(['running', 'running'])
  })

  it('tells when restarts were by the time of the wall, so that a process whose clock begins anew counts them right', async () => {
    let fail = (): void => undefined
    const nested = (clock: VirtualClock) => {
      const child: ChildSpec = {
        id: 'child',
        start: () =>
          new Observable((subscriber) => {
            fail = () => {
              subscriber.error(new Error('it was to fail'))
            }
          }),
      }
      const options = { clock, maxRestarts: 1, withinMs: 1_000, backoff: () => 0 }
      return supervise([{ id: 'nested', start: supervise([child], options) }], { ...options, maxRestarts: 0 })
    }
    const clock = new VirtualClock()
    await clock.advance(86_400_000)
    const first = createActor(nested(clock)).start()
    fail()
    await clock.advance(1)
    const persisted = JSON.parse(JSON.stringify(first.getPersistedSnapshot())) as Snapshot<unknown>
    first.stop()

    const later = new VirtualClock({ startAt: 86_400_000 + 500 })
    const second = createActor(nested(later), { snapshot: persisted }).start()
    second.subscribe({ error: () => undefined })
    await later.advance(500)
    fail()
    await later.advance(1)
    expect(second.getSnapshot().status).toBe('active')
    fail()
    expect(second.getSnapshot().status).toBe('error')
  })

  it('of a stage is one from which an actor goes on that heeds what it is told, with a runner of its own', () => {
    const { told, stage, channel } = family()
    const other = family()
    const first = createActor(stage).start()
    createActor(other.stage).start()
    first.send({ type: 'pause' })
    const persisted = JSON.parse(JSON.stringify(first.getPersistedSnapshot())) as Snapshot<unknown>
    first.stop()
    const second = createActor(stage, { snapshot: persisted }).start()
    channel.offer('a')
    other.channel.offer('b')
    expect([second.getSnapshot().value, told, other.told]).toEqual([{ up: 'paused' }, [], ['stage b']])
    second.send({ type: 'resume' })
    expect([second.getSnapshot().value, told]).toEqual([{ up: 'running' }, ['stage a']])
  })
})
