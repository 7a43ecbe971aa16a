import { describe, expect, it } from 'vitest'
import { Registry } from 'prom-client'
import { pipeline, type SessionStore, StoreError, type StartOptions } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { createModelSessionStore, ModelData } from '../../fixtures/model-session-store.ts'
import { bookkeeper } from './bookkeeper.ts'

interface Ask {
  readonly session?: unknown
}

type SessionsOption = NonNullable<StartOptions['sessions']>

const clock = new VirtualClock()
const model = (): SessionStore => createModelSessionStore({ clock, data: new ModelData(), maxBytes: 100 })

/** Counts how often it was asked in each session. */
function counting(sessions: SessionsOption | undefined, start: StartOptions = {}) {
  return pipeline<Ask>('p')
    .stage(
      'count',
      async (_, { session }) => {
        if (session === undefined) return 'no session'
        const before = await session.read((state) => Number(state ?? 0))
        await session.update((state) => Number(state ?? 0) + 1)
        return `${before}, at most ${session.maxBytes} bytes`
      },
      { capacity: 8, concurrency: 8 },
    )
    .start({ clock, ...(sessions !== undefined && { sessions }), ...start })
}

const valueOf = async (running: ReturnType<typeof counting>, ask: Ask): Promise<unknown> => {
  const reply = running.submit(ask)
  await clock.settle()
  return reply.settled?.kind === 'completed' ? reply.settled.value : reply.settled
}

/** A store that fails in some calls. */
function failing(store: SessionStore, calls: Partial<SessionStore>): SessionStore {
  return { ...store, ...calls }
}

const away = (): Promise<never> => Promise.reject(new StoreError('the store is away'))

describe("a request's session", () => {
  it('is read and updated by its stages, each session by itself', async () => {
    const running = counting({ store: model() })
    expect(await valueOf(running, { session: 'a' })).toBe('0, at most 100 bytes')
    expect(await valueOf(running, { session: 'a' })).toBe('1, at most 100 bytes')
    expect(await valueOf(running, { session: 'b' })).toBe('0, at most 100 bytes')
  })

  it.each<[string, SessionsOption | undefined, Ask]>([
    ['without the option', undefined, { session: 'a' }],
    ['without a session', { store: model() }, {}],
    ['where the session is no name', { store: model() }, { session: 7 }],
    ['where it is empty', { store: model() }, { session: '' }],
  ])('is not there %s', async (_, sessions, ask) => {
    expect(await valueOf(counting(sessions), ask)).toBe('no session')
  })

  it('is updated anew where another process was first, a few times', async () => {
    const store = model()
    let rivals = 4
    const update: SessionStore['update'] = async (id, version, state, options) => {
      if (rivals-- > 0) await store.update(id, version, `rival ${rivals}`, options)
      return store.update(id, version, state, options)
    }
    const append = pipeline<Ask>('p')
      .stage('append', (_, { session }) => session?.update((state) => `${String(state)}+`), { capacity: 8 })
      .start({ clock, sessions: { store: failing(store, { update }), onOutage: 'fail' } })
    const first = append.submit({ session: 'a' })
    await clock.settle()
    expect(first.settled?.kind).toBe('completed')
    expect((await store.get('a'))?.state).toBe('rival 0+')
    rivals = 5
    const second = append.submit({ session: 'a' })
    await clock.settle()
    expect(second.settled).toMatchObject({
      kind: 'failed',
      error: { message: 'the session could not be stored: others have changed the session 5 times meanwhile' },
    })
  })
})

describe('when the store is away', () => {
  it('requests are served without, which is counted, and logged once a second', async () => {
    const registry = new Registry()
    const { lines, logger } = bookkeeper()
    const running = counting({ store: failing(model(), { get: away }) }, { registry, logger })
    for (let asked = 0; asked < 3; asked++) {
      expect(await valueOf(running, { session: 'a' })).toBe('undefined, at most 100 bytes')
    }
    await clock.advance(1_000)
    await valueOf(running, { session: 'a' })
    expect(await registry.metrics()).toContain('orchestrator_session_outages_total{operation="read"} 4')
    expect(await registry.metrics()).toContain('orchestrator_session_outages_total{operation="update"} 4')
    const message = 'sessions not read or stored'
    const error = { code: 'store_failed', error: 'the store is away' }
    expect(lines.filter((line) => line.message === message)).toEqual([
      { level: 'warn', message, operation: 'read', count: 1, ...error },
      { level: 'warn', message, operation: 'read', count: 6, ...error },
    ])
  })

  it('they fail, if that is wanted', async () => {
    const running = counting({ store: failing(model(), { update: away }), onOutage: 'fail' })
    expect(await valueOf(running, { session: 'a' })).toMatchObject({
      kind: 'failed',
      stage: 'count',
      error: { code: 'store_failed', message: 'the session could not be stored: the store is away' },
    })
    expect(await valueOf(running, {})).toBe('no session')
  })

  it('the pipeline says so while what is to be stored is refused, however well it can be read', async () => {
    const store = model()
    let refused = true
    const update: SessionStore['update'] = (...args) => (refused ? away() : store.update(...args))
    const running = counting({ store: failing(store, { update }) })
    expect(running.sessionStore).toBe('ready')
    expect(await valueOf(running, { session: 'a' })).toBe('0, at most 100 bytes')
    expect(running.sessionStore).toBe('away')
    refused = false
    await valueOf(running, { session: 'a' })
    expect(running.sessionStore).toBe('ready')
    expect(counting(undefined).sessionStore).toBeUndefined()
  })

  it('a state that no store could keep says nothing of the store', async () => {
    const running = pipeline<Ask>('p')
      .stage('set', (_, { session }) => session?.update(() => 'x'.repeat(200)), { capacity: 8 })
      .start({ clock, sessions: { store: model() } })
    running.submit({ session: 'a' })
    await clock.settle()
    expect(running.sessionStore).toBe('ready')
  })

  it('it is not waited for longer than timeoutMs, nor beyond the end of a drain', async () => {
    const never = (): Promise<never> => new Promise(() => undefined)
    const running = counting({ store: failing(model(), { get: never }), timeoutMs: 50 })
    const reply = running.submit({ session: 'a' })
    await clock.advance(99)
    expect(reply.settled).toBeUndefined()
    await clock.advance(1)
    expect(reply.settled).toMatchObject({ kind: 'completed', value: 'undefined, at most 100 bytes' })
    const last = running.submit({ session: 'b' })
    const drained = running.drain({ timeoutMs: 10 })
    await clock.advance(10)
    expect(last.settled).toMatchObject({ kind: 'failed', error: { code: 'drain_timeout' } })
    await drained
    await clock.settle()
    expect(clock.pending).toBe(0)
  })

  it('what it cannot keep counts as well, and so does what a stage makes of it and cannot', async () => {
    const running = pipeline<Ask & { readonly state: unknown }>('p')
      .stage('set', (ask, { session }) => session?.update(() => ask.state), { capacity: 8 })
      .stage('get', (_, { session }) => session?.read((state) => (state as { text: string }).text), { capacity: 8 })
      .start({ clock, sessions: { store: model(), onOutage: 'fail' } })
    const large = running.submit({ session: 'a', state: 'x'.repeat(200) })
    const odd = running.submit({ session: 'b', state: null })
    await clock.settle()
    expect(large.settled).toMatchObject({ kind: 'failed', stage: 'set', error: { cause: { code: 'unstorable' } } })
    expect(odd.settled).toMatchObject({ kind: 'failed', stage: 'get', error: { cause: { name: 'TypeError' } } })
  })
})

describe('the option', () => {
  it.each<[unknown, string]>([
    [{}, 'sessions.store must be a SessionStore, got undefined without get, update'],
    [{ store: model(), serial: 1 }, 'sessions.serial must be true or false, got 1'],
    [{ store: model(), maxWaiting: -1 }, 'sessions.maxWaiting must be a whole number from 0'],
    [{ store: model(), onOutage: 'retry' }, 'sessions.onOutage must be one of "fail", "continue-without", got "retry"'],
    [{ store: model(), timeoutMs: 0 }, 'sessions.timeoutMs must be a number from 1'],
    [{ store: model(), max: 1 }, 'sessions: unknown option "max"'],
    [true, 'sessions: options must be an object, got true'],
  ])('%j is refused', (sessions, message) => {
    const definition = pipeline<Ask>('p').stage('a', () => 1, { capacity: 1 })
    expect(() => definition.start({ sessions: sessions as SessionsOption })).toThrow(message)
  })
})
