import { config, Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { type AnyActorRef, createActor, createMachine, fromCallback, fromObservable, setup, spawnChild } from 'xstate'
import { type ChildSpec, supervise, type SupervisorEvent } from '../../actors/index.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

/** An Observable that counts who is subscribed, and falls when it is told to. */
function counted() {
  const fails = new Set<(error: unknown) => void>()
  const source$ = new Observable<never>((subscriber) => {
    const fail = (error: unknown): void => {
      subscriber.error(error)
    }
    fails.add(fail)
    return () => fails.delete(fail)
  })
  return {
    source$,
    get live() {
      return fails.size
    },
    fail: () => {
      for (const fail of fails) fail(new Error('it was to fail'))
    },
  }
}

/** A root supervisor on a virtual clock, and what it told. */
function root(...children: readonly ChildSpec[]) {
  const clock = new VirtualClock()
  const actor = createActor(supervise(children, { clock, backoff: () => 10 }), { clock })
  const told: string[] = []
  const errors: unknown[] = []
  actor.on('*', (event: SupervisorEvent) => {
    told.push(`${event.type} ${event.id}`)
    if ('error' in event) errors.push(event.error)
  })
  actor.subscribe({ error: () => undefined })
  actor.start()
  return { clock, actor, told, errors }
}

function childOf(supervisor: AnyActorRef): AnyActorRef {
  const { children } = supervisor.getSnapshot() as { readonly children: Readonly<Record<string, AnyActorRef>> }
  return children['child']!
}

// Each first as XState has it, so that a version in which it is mended is noticed, then as it is under a supervisor.
describe('the traps of XState', () => {
  it('an actor that is spawned with the id of a live one takes its place, and that one goes on; a restart ends it first', async () => {
    const raw = counted()
    const machine = setup({ actors: { raw: fromObservable(() => raw.source$) } }).createMachine({
      on: { again: { actions: spawnChild('raw', { id: 'child' }) } },
    })
    const actor = createActor(machine).start()
    for (let times = 0; times < 3; times++) actor.send({ type: 'again' })
    expect(raw.live).toBe(3)

    const child = counted()
    const { clock, actor: supervisor } = root({ id: 'child', start: () => child.source$ })
    for (let times = 0; times < 3; times++) {
      child.fail()
      await clock.advance(10)
    }
    expect(child.live).toBe(1)
    supervisor.stop()
    expect(child.live).toBe(0)
  })

  it("'*' takes crash events of children, which nobody hears then; a supervisor names what it takes", () => {
    const raw = counted()
    const errors: unknown[] = []
    const actor = createActor(
      createMachine({ invoke: { src: fromObservable(() => raw.source$) }, on: { '*': { actions: () => undefined } } }),
    )
    actor.subscribe({ error: (error: unknown) => errors.push(error) })
    actor.start()
    raw.fail()
    expect([errors, actor.getSnapshot().status]).toEqual([[], 'active'])

    const child = counted()
    const { told } = root({ id: 'child', start: () => child.source$ })
    child.fail()
    expect(told).toEqual(['started child', 'crashed child'])
  })

  it('the children of a machine whose action throws go on; those of a supervised one are stopped before its restart', async () => {
    const throwing = (source$: Observable<never>) =>
      createMachine({
        invoke: { src: fromObservable(() => source$) },
        on: {
          fail: {
            actions: () => {
              throw new Error('it was to fail')
            },
          },
        },
      })
    const raw = counted()
    const actor = createActor(throwing(raw.source$))
    actor.subscribe({ error: () => undefined })
    actor.start()
    actor.send({ type: 'fail' })
    expect([actor.getSnapshot().status, raw.live]).toEqual(['error', 1])

    const child = counted()
    const { clock, actor: supervisor, told } = root({ id: 'child', start: throwing(child.source$) })
    childOf(supervisor).send({ type: 'fail' })
    await clock.advance(10)
    expect(told).toEqual(['started child', 'crashed child', 'restarted child'])
    expect(child.live).toBe(1)
  })

  it('a callback that throws is not disposed of; one that is supervised is', () => {
    let [rawDisposed, disposed] = [0, 0]
    const callback = (dispose: () => void) =>
      fromCallback(({ receive }) => {
        receive(() => {
          throw new Error('it was to fail')
        })
        return dispose
      })
    const raw = createActor(callback(() => (rawDisposed += 1)))
    raw.subscribe({ error: () => undefined })
    raw.start()
    raw.send({ type: 'fail' })
    expect([raw.getSnapshot().status, rawDisposed]).toEqual(['error', 0])

    const { actor, told } = root({ id: 'child', start: callback(() => (disposed += 1)) })
    childOf(actor).send({ type: 'fail' })
    expect([told, disposed]).toEqual([['started child', 'crashed child'], 1])
  })

  it('what a callback fails with is told, and not what it fails with as it is disposed of besides', async () => {
    const unhandled: unknown[] = []
    config.onUnhandledError = (error) => unhandled.push(error)
    const callback = fromCallback(({ receive }) => {
      receive(() => {
        throw new Error('it was to fail')
      })
      return () => {
        throw new Error('nor is it disposed of')
      }
    })
    const { actor, clock, errors } = root({ id: 'child', start: callback })
    childOf(actor).send({ type: 'fail' })
    await clock.advance(10)
    actor.send({ type: 'stop' })
    await new Promise((resolve) => setTimeout(resolve))
    config.onUnhandledError = null
    expect(errors.map(String)).toEqual(['Error: it was to fail', 'Error: nor is it disposed of'])
    expect(unhandled.map(String)).toEqual(['Error: nor is it disposed of'])
  })

  it('delayed events are lost when a snapshot is restored; the backoff of a supervisor goes on', async () => {
    const clock = new VirtualClock()
    const machine = createMachine({ initial: 'waiting', states: { waiting: { after: { 10: 'over' } }, over: {} } })
    const before = createActor(machine, { clock }).start()
    const snapshot = before.getPersistedSnapshot()
    before.stop()
    const raw = createActor(machine, { clock, snapshot }).start()
    await clock.advance(100)
    expect(raw.getSnapshot().value).toBe('waiting')

    const child = counted()
    const logic = supervise([{ id: 'child', start: () => child.source$ }], { clock, backoff: () => 10 })
    const first = createActor(logic, { clock }).start()
    child.fail()
    const persisted = first.getPersistedSnapshot()
    first.stop()
    createActor(logic, { clock, snapshot: persisted }).start()
    expect(child.live).toBe(0)
    await clock.advance(10)
    expect(child.live).toBe(1)
  })
})
