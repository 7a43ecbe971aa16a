import { from, lastValueFrom, of, retry, Subject, switchMap, timeout, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  AlreadyConsumedError,
  CancelledError,
  type Outcome,
  pipeline,
  type Running,
  StageError,
} from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { gatedHandler } from './gated-handler.ts'

function watch(output$: { subscribe: (observer: object) => { unsubscribe: () => void } }) {
  const seen: unknown[] = []
  const subscription = output$.subscribe({
    next: (value: unknown) => seen.push(value),
    error: (error: unknown) => seen.push(error),
    complete: () => seen.push('complete'),
  })
  return { seen, subscription }
}

function gated() {
  const clock = new VirtualClock()
  const gate = gatedHandler<string>()
  const running: Running<string, string, 'one'> = pipeline<string>('p')
    .stage('one', gate.handler, { capacity: 10 })
    .start({ clock })
  return { clock, running, ...gate }
}

describe('Reply', () => {
  it('settles a value read or unread, and says the same everywhere', async () => {
    const { clock, running, runs } = gated()
    const told: Outcome<string>[] = []
    running.outcomes$.subscribe({ next: (outcome) => told.push(outcome), error: () => undefined })
    const reply = running.submit('a')
    expect(reply.settled).toBeUndefined()
    await clock.advance(40)
    runs[0]!.resolve('A')
    await clock.settle()
    const outcome = await reply.outcome
    expect(outcome).toMatchObject({ kind: 'completed', value: 'A', chunks: 0, timings: { durationMs: 40 } })
    expect(reply.settled).toBe(outcome)
    expect(told).toEqual([outcome])
    expect(watch(reply.output$).seen).toEqual(['A', 'complete'])
    expect(running.ledger()).toMatchObject({ completed: 1, inFlight: 0 })
  })

  it('has one reader; a second gets AlreadyConsumedError and the first goes on', async () => {
    const { clock, running, runs } = gated()
    const reply = running.submit('a')
    const first = watch(reply.output$)
    const second = watch(reply.output$)
    expect(second.seen).toEqual([expect.any(AlreadyConsumedError)])
    expect(() => reply.batches()).toThrow(AlreadyConsumedError)
    runs[0]!.resolve('A')
    await clock.settle()
    expect(first.seen).toEqual(['A', 'complete'])
  })

  it('is cancelled when its reader unsubscribes', async () => {
    const { clock, running, runs } = gated()
    const reply = running.submit('a')
    watch(reply.output$).subscription.unsubscribe()
    expect(reply.settled).toMatchObject({ kind: 'cancelled', reason: 'the reader unsubscribed' })
    expect(runs[0]!.context.signal.aborted).toBe(true)
    runs[0]!.resolve('late')
    await clock.settle()
    expect(running.ledger()).toMatchObject({ cancelled: 1, completed: 0 })
  })

  it('is cancelled by its caller with a reason, once', async () => {
    const { clock, running, runs } = gated()
    const reply = running.submit('a')
    const { seen } = watch(reply.output$)
    const reason = new Error('changed my mind')
    reply.cancel(reason)
    reply.cancel('again')
    expect(seen).toEqual([expect.any(CancelledError)])
    expect((seen[0] as CancelledError).cause).toBe(reason)
    expect(await reply.outcome).toMatchObject({ kind: 'cancelled', reason })
    expect(runs[0]!.context.signal.reason).toBe(reason)
    await clock.settle()
    expect(running.ledger()).toMatchObject({ submitted: 1, cancelled: 1 })
  })

  it('says what its handler failed with', async () => {
    const { clock, running, runs } = gated()
    const reply = running.submit('a')
    const { seen } = watch(reply.output$)
    const error = new Error('no model')
    runs[0]!.reject(error)
    await clock.settle()
    expect(await reply.outcome).toMatchObject({ kind: 'failed', stage: 'one', error })
    expect(seen[0]).toBeInstanceOf(StageError)
    expect(seen[0]).toMatchObject({ code: 'stage_failed', stage: 'one', cause: error })
  })

  it('gives a value to `for await` and in batches', async () => {
    const running = pipeline<string>('p')
      .stage('one', (text) => text.toUpperCase(), { capacity: 1 })
      .start({ clock: new VirtualClock() })
    const values: string[] = []
    for await (const value of running.submit('a')) values.push(value)
    for await (const batch of running.submit('b').batches()) values.push(...batch)
    expect(values).toEqual(['A', 'B'])
  })

  it('throws its end at `for await`', async () => {
    const { running } = gated()
    const reply = running.submit('a')
    const read = reply[Symbol.asyncIterator]().next()
    reply.cancel()
    await expect(read).rejects.toBeInstanceOf(CancelledError)
  })

  it("has the request's id where it has one, and its own otherwise", () => {
    const running = pipeline<unknown>('p')
      .stage('one', () => 1, { capacity: 1 })
      .start({ clock: new VirtualClock() })
    const named = [running.submit({ id: 'mine' }), running.submit({ id: 'mine' })]
    expect(named.map(({ id }) => id)).toEqual(['mine', 'mine'])
    expect(new Set(named.map(({ submissionId }) => submissionId)).size).toBe(2)
    for (const request of [{ id: '' }, { id: 5 }, 'text', null]) {
      const reply = running.submit(request)
      expect(reply.id).toBe(reply.submissionId)
    }
  })
})

describe('request()', () => {
  it('submits on subscription only, and again for each', async () => {
    const { clock, running, runs } = gated()
    const request$ = running.request('a')
    expect(running.ledger().submitted).toBe(0)
    const { seen } = watch(request$)
    watch(request$)
    expect(running.ledger().submitted).toBe(2)
    runs[0]!.resolve('A')
    await clock.settle()
    expect(seen).toEqual(['A', 'complete'])
  })

  it('works with retry, timeout and switchMap', async () => {
    const clock = new VirtualClock()
    let calls = 0
    const running = pipeline<string>('p')
      .stage(
        'one',
        (text) => {
          calls += 1
          if (text === 'never') return new Promise<string>(() => undefined)
          return calls < 3 ? Promise.reject(new Error('not yet')) : text
        },
        { capacity: 2, concurrency: 4 },
      )
      .start({ clock })
    expect(await lastValueFrom(running.request('a').pipe(retry(5)))).toBe('a')
    expect(calls).toBe(3)
    const late = watch(running.request('never').pipe(timeout({ first: 50, scheduler: clock })))
    await clock.advance(50)
    expect(late.seen).toEqual([expect.objectContaining({ name: 'TimeoutError' })])
    expect(running.ledger()).toMatchObject({ cancelled: 1, inFlight: 0 })
    const switched = lastValueFrom(of('never', 'b').pipe(switchMap((text) => running.request(text))))
    expect(await switched).toBe('b')
    expect(running.ledger()).toMatchObject({ submitted: 6, completed: 2, failed: 2, cancelled: 2, inFlight: 0 })
  })
})

describe('asOperator()', () => {
  it('gives one outcome for each request in the order in which they end, and never errors', async () => {
    const clock = new VirtualClock()
    const gate = gatedHandler<string>()
    const running = pipeline<string>('p').stage('one', gate.handler, { capacity: 0, concurrency: 2 }).start({ clock })
    const outcomes = lastValueFrom(from(['a', 'b', 'c']).pipe(running.asOperator(), toArray()))
    gate.runs[1]!.resolve('B')
    await clock.settle()
    gate.runs[0]!.reject(new Error('no'))
    expect((await outcomes).map(({ kind }) => kind)).toEqual(['shed', 'completed', 'failed'])
  })

  it('gives the chunks of a stream as its value', async () => {
    const running = pipeline<string>('p')
      .stage('letters', (text) => from(text), { capacity: 4 })
      .start({ clock: new VirtualClock() })
    const outcomes = await lastValueFrom(of('abc', '').pipe(running.asOperator(), toArray()))
    expect(outcomes).toMatchObject([
      { kind: 'completed', value: ['a', 'b', 'c'], chunks: 3 },
      { kind: 'completed', value: [], chunks: 0 },
    ])
  })

  it('completes after the source and the last outcome, and not before', async () => {
    const { clock, running, runs } = gated()
    const source$ = new Subject<string>()
    const { seen } = watch(source$.pipe(running.asOperator()))
    source$.next('a')
    source$.complete()
    await clock.settle()
    expect(seen).toEqual([])
    runs[0]!.resolve('A')
    await clock.settle()
    expect(seen).toEqual([expect.objectContaining({ kind: 'completed' }), 'complete'])
  })

  it('cancels what is in flight when it is unsubscribed', () => {
    const { running } = gated()
    watch(from(['a', 'b', 'c']).pipe(running.asOperator())).subscription.unsubscribe()
    expect(running.ledger()).toMatchObject({ submitted: 3, cancelled: 3, inFlight: 0 })
    expect(running.stages.one).toMatchObject({ queueDepth: 0 })
  })
})
