import { concat, defer, of, Subject, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { Breaker, circuitBreaker, CircuitOpenError } from '../../../operators/index.ts'
import { pipeline, ShedError } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

describe('a breaker that refuses inside a handler', () => {
  it('sheds the request, and what the call itself throws fails it', async () => {
    const clock = new VirtualClock()
    const breaker = new Breaker({ windowCalls: 1, openMs: 5_000, clock })
    const call$ = defer(() => throwError(() => new Error('down'))).pipe(circuitBreaker(breaker))
    const running = pipeline<string>('chat')
      .stage('call', () => new Promise((_, reject) => call$.subscribe({ error: reject })), { capacity: 1 })
      .start({ clock })
    const first = running.submit('a')
    await clock.advance(1)
    const second = running.submit('b')
    await clock.advance(1)
    expect(first.settled).toMatchObject({ kind: 'failed', stage: 'call' })
    expect(second.settled).toMatchObject({ kind: 'shed', stage: 'call', reason: 'breaker', retryAfterMs: 4_999 })
    const error = await second[Symbol.asyncIterator]()
      .next()
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ShedError)
    expect((error as ShedError).cause).toBeInstanceOf(CircuitOpenError)
    expect(running.ledger()).toMatchObject({ submitted: 2, failed: 1, shed: 1, inFlight: 0 })
    expect(running.stages.call).toMatchObject({ shed: 1, running: 0 })
    await running.drain()
  })

  it.each([
    ['a minute at most', 3_600_000, 60_000],
    ['a tenth of a second at least', 1, 100],
    ['until the stage is likely to have room while the probe runs', undefined, 100],
  ])('tells its caller to wait %s', async (_name, openMs, retryAfterMs) => {
    const running = pipeline<string>('chat')
      .stage(
        'call',
        () => {
          throw new CircuitOpenError(openMs)
        },
        { capacity: 1 },
      )
      .start({ clock: new VirtualClock() })
    expect(running.submit('a').settled).toMatchObject({ reason: 'breaker', retryAfterMs })
    await running.drain()
  })

  it.each([
    ['sheds a stream that has given nothing', throwError(() => new CircuitOpenError(700)), 'shed'],
    [
      'fails one that its reader has a part of',
      concat(
        of('x'),
        throwError(() => new CircuitOpenError(700)),
      ),
      'failed',
    ],
  ])('%s', async (_name, stream$, kind) => {
    for (const pulled of [false, true]) {
      const running = pipeline<string>('chat')
        .stage('call', () => stream$, { capacity: 1 })
        .start({ clock: new VirtualClock() })
      const reply = running.submit('a')
      if (pulled) {
        const read = reply.batches()
        await read
          .next()
          .then(() => read.next())
          .catch(() => undefined)
      } else {
        reply.output$.subscribe({ error: () => undefined })
      }
      expect(reply.settled?.kind).toBe(kind)
      expect(running.ledger()).toMatchObject({ submitted: 1, [kind]: 1, inFlight: 0 })
      await running.drain()
    }
  })

  it.each(['shed', 'failed'] as const)(
    'blames the stage that made the stream, also when asked by whom it aborts: %s',
    async (kind) => {
      const clock = new VirtualClock()
      const source$ = new Subject<string>()
      const seen: unknown[] = []
      const running = pipeline<string>('chat')
        .stage('make', () => source$, { capacity: 1 })
        .stage(
          'use',
          (stream$, { signal }) =>
            new Promise(() => {
              signal.addEventListener('abort', () => seen.push(reply.settled))
              stream$.subscribe({ error: () => undefined })
            }),
          { capacity: 1 },
        )
        .start({ clock })
      const reply = running.submit('a')
      source$.error(kind === 'shed' ? new CircuitOpenError(700) : new Error('broken'))
      expect(seen).toEqual([reply.settled])
      expect(reply.settled).toMatchObject({ kind, stage: 'make' })
      const drained = running.drain()
      await clock.advance(60_000)
      await drained
    },
  )
})
