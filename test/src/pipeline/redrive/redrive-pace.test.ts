import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { insideOf } from '../../../../src/pipeline/inside-of.ts'
import { after, type Ask, createWorld, faulty, plenty } from './redriving-world.ts'

const asks = (count: number): readonly Ask[] => Array.from({ length: count }, (_, at) => ({ id: `q${at}` }))

describe('the pace of redrives', () => {
  it('leaves every channel half to clients: none goes in at half or over it', async () => {
    const anyClient = fc.record({
      afterMs: fc.constantFrom(0, 0, 1, 20, 300),
      runMs: fc.constantFrom(0, 10, 100, 2_000),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 6 }),
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom('door' as const, 'stage' as const),
        fc.array(anyClient, { minLength: 1, maxLength: 20, size: 'max' }),
        async (capacity, concurrency, admission, clients) => {
          const { clock, start, put } = createWorld({ maxAttempts: 100 })
          const places = capacity + concurrency
          const act = async ({ id }: Ask): Promise<void> => {
            if (id.startsWith('q')) await after(clock, 150)
            else await after(clock, clients[Number(id)]!.runMs)
          }
          const running = start(
            act,
            { budget: plenty, concurrency: 100, pollMs: 200, backoff: () => 0 },
            { capacity, concurrency, admission },
          )
          let redrives = 0
          const inside = insideOf(running)
          const submit = inside.submit.bind(inside)
          vi.spyOn(inside, 'submit').mockImplementation((request, origin) => {
            const { channel, ahead } = inside.nodes[0]!
            if (origin === 'redrive') expect(2 * (channel.size + channel.running + ahead)).toBeLessThan(places)
            const envelope = submit(request, origin)
            if (origin !== 'redrive') return envelope
            redrives += 1
            expect(envelope.settled?.kind).not.toBe('shed')
            return envelope
          })
          await put(...asks(15))
          const replies = []
          for (const [id, { afterMs }] of clients.entries()) {
            await clock.advance(afterMs)
            const before = replies.filter(({ settled }) => settled === undefined).length
            const reply = running.submit({ id: `${id}` })
            replies.push(reply)
            // Who is turned away has been by other clients, who have at least half of the places.
            if (reply.settled?.kind === 'shed') expect(before).toBeGreaterThanOrEqual(Math.floor(places / 2))
          }
          await clock.advance(100_000)
          expect(redrives).toBe(15 + running.deadLetters().stored)
          await running.drain()
          expect(clock.pending).toBe(0)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('lets none in while a stage is paused or a request waits for room', async () => {
    const { clock, start, put } = createWorld()
    const running = start(() => 'done')
    running.stage('one').pause()
    await put({ id: 'a' })
    await clock.advance(10_000)
    expect(running.redrives().claimed).toBe(0)
    running.stage('one').resume()
    await clock.advance(2_000)
    expect(running.redrives().acked).toBe(1)
    await running.drain()
  })

  it('is at least one a second, and at most a tenth of what clients have admitted', async () => {
    const { clock, start, put } = createWorld()
    const running = start(() => 'done', { concurrency: 4 })
    await put(...asks(100))
    await clock.advance(30_000)
    const idle = running.redrives().acked
    expect(idle).toBeGreaterThanOrEqual(30)
    expect(idle).toBeLessThanOrEqual(4 + 30)
    for (let second = 0; second < 10; second++) {
      for (let request = 0; request < 50; request++) running.submit({ id: 'client' })
      await clock.advance(1_000)
    }
    const busy = running.redrives().acked - idle
    expect(busy).toBeGreaterThan(25)
    expect(busy).toBeLessThanOrEqual(50 + 4)
    await running.drain()
    expect(clock.pending).toBe(0)
  })

  it('asks the store once in a pollMs while nothing is due, and at once when this pipeline has put something', async () => {
    const { clock, store, start } = createWorld()
    let claims = 0
    const claim: typeof store.claim = (options) => ((claims += 1), store.claim(options))
    const failing = { now: true }
    const running = start(
      () => {
        if (failing.now) throw new Error('no')
      },
      { pollMs: 500 },
      { store: faulty(store, { claim }) },
    )
    await clock.advance(100_000)
    expect(claims).toBeGreaterThan(150)
    expect(claims).toBeLessThan(250)
    running.submit({ id: 'a' })
    failing.now = false
    await clock.advance(1)
    expect(running.redrives().acked).toBe(1)
    await running.drain()
    expect(clock.pending).toBe(0)
  })

  it('slows down while the store is away, which is counted, logged once a second, and harms nobody', async () => {
    const { clock, store, start, put, lines } = createWorld()
    let away = true
    let claims = 0
    const claim: typeof store.claim = (options) => {
      claims += 1
      if (!away) return store.claim(options)
      if (claims === 1) throw new Error('thrown')
      return claims === 2 ? (Promise.resolve('nonsense') as never) : Promise.reject(new Error('connection refused'))
    }
    const running = start(() => 'done', {}, { store: faulty(store, { claim }) })
    await put({ id: 'a' })
    await clock.advance(120_000)
    expect(running.redrives().failedClaims).toBe(claims)
    expect(claims).toBeGreaterThan(4)
    expect(claims).toBeLessThan(30)
    const told = lines.filter(({ message }) => message === 'dead letters could not be claimed')
    expect(told.length).toBeGreaterThan(2)
    expect(told.reduce((sum, { count }) => sum + Number(count), 0)).toBeLessThanOrEqual(claims)
    expect(running.submit({ id: 'b' }).settled?.kind).toBe('completed')
    away = false
    await clock.advance(40_000)
    expect(running.redrives()).toMatchObject({ acked: 1, restarts: 0 })
    await running.drain()
    expect(clock.pending).toBe(0)
  })
})
