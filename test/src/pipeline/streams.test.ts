import {
  concat,
  EMPTY,
  from,
  lastValueFrom,
  map,
  NEVER,
  Observable,
  of,
  Subject,
  take,
  throwError,
  toArray,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import { type HandlerContext, pipeline, pulled, StageError, StageTimeoutError } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { insideOf } from './play.ts'

function letters(text: string): Observable<string> {
  return from(text)
}

function upper(text$: Observable<string>): Observable<string> {
  return text$.pipe(map((text) => text.toUpperCase()))
}

/** A pipeline of one stage that answers with the stream it is given. */
function streaming(stream$: Observable<string>, options: object = {}, stage: object = {}) {
  const clock = new VirtualClock()
  const running = pipeline<string>('p')
    .stage('infer', () => stream$, { capacity: 4, ...stage })
    .stage('post', upper, { capacity: 4 })
    .start({ clock, streamBuffer: 3, stallTimeoutMs: 1000, ...options })
  return { clock, running }
}

describe('a stream', () => {
  it('is read through the stages after it, and completed when its last chunk has been taken', async () => {
    const { running } = streaming(of('a', 'b'))
    const reply = running.submit('x')
    expect(reply.settled).toBeUndefined()
    expect(await lastValueFrom(reply.output$.pipe(toArray()))).toEqual(['A', 'B'])
    expect(await reply.outcome).toMatchObject({ kind: 'completed', chunks: 2 })
    expect('value' in (await reply.outcome)).toBe(false)
  })

  it('holds the slot of the stage that made it until it ends; a stage that it feeds is free at once', async () => {
    const chunks$ = new Subject<string>()
    const { clock, running } = streaming(chunks$)
    const reply = running.submit('x')
    running.submit('y')
    const seen: string[] = []
    reply.output$.subscribe({ next: (chunk) => seen.push(chunk), error: () => undefined })
    chunks$.next('a')
    expect(running.stages.infer).toMatchObject({ running: 1, queueDepth: 1 })
    expect(running.stages.post).toMatchObject({ running: 0, queueDepth: 0 })
    chunks$.complete()
    await clock.settle()
    expect(seen).toEqual(['A'])
    expect(running.stages.infer).toMatchObject({ running: 1, queueDepth: 0, processed: 2 })
  })

  it.each([
    ['cancelled', 0],
    ['expired', 100],
  ])('is unsubscribed and frees its slot when its request is %s', async (kind, afterMs) => {
    let open = 0
    const clock = new VirtualClock()
    const stream$ = new Observable<string>(() => {
      open += 1
      return () => {
        open -= 1
      }
    })
    const running = pipeline<{ readonly deadlineMs: number }>('p')
      .stage('infer', () => stream$, { capacity: 4 })
      .start({ clock })
    const reply = running.submit({ deadlineMs: 100 })
    reply.output$.subscribe({ error: () => undefined })
    expect(open).toBe(1)
    await clock.advance(afterMs)
    reply.cancel()
    expect(open).toBe(0)
    expect(await reply.outcome).toMatchObject({ kind })
    expect(running.stages.infer.running).toBe(0)
  })

  it('that fails in the middle fails the request at the stage that made it', async () => {
    const error = new Error('the model is gone')
    const { running } = streaming(
      concat(
        of('a'),
        throwError(() => error),
      ),
    )
    const seen: unknown[] = []
    const reply = running.submit('x')
    reply.output$.subscribe({ next: (chunk) => seen.push(chunk), error: (end: unknown) => seen.push(end) })
    expect(seen).toEqual(['A', expect.any(StageError)])
    expect(reply.settled).toMatchObject({ kind: 'failed', stage: 'infer', error })
    expect(running.stages.infer.running).toBe(0)
  })

  it('that fails in a stage that it feeds fails the request, and frees the slot of its source', async () => {
    const error = new Error('no letters')
    const clock = new VirtualClock()
    const running = pipeline<string>('p')
      .stage('infer', letters, { capacity: 4 })
      .stage('post', () => throwError(() => error), { capacity: 4 })
      .start({ clock })
    const reply = running.submit('abc')
    reply.output$.subscribe({ error: () => undefined })
    expect(reply.settled).toMatchObject({ kind: 'failed', stage: 'post', error })
    expect(running.stages.infer.running).toBe(0)
  })

  it('is cancelled after stallTimeoutMs when nobody reads it', async () => {
    const { clock, running } = streaming(of('a'))
    const reply = running.submit('x')
    await clock.advance(999)
    expect(reply.settled).toBeUndefined()
    await clock.advance(1)
    expect(reply.settled).toMatchObject({ kind: 'cancelled' })
    expect(running.stages.infer.running).toBe(0)
  })

  it('is cancelled when its reader stops taking, but not while the source is slow', async () => {
    const chunks$ = new Subject<string>()
    const { clock, running } = streaming(chunks$)
    const reply = running.submit('x')
    const reader = reply.batches()
    const first = reader.next()
    await clock.advance(5000)
    chunks$.next('a')
    expect(await first).toEqual({ done: false, value: ['A'] })
    expect(reply.settled).toBeUndefined()
    chunks$.next('b')
    await clock.advance(999)
    expect(reply.settled).toBeUndefined()
    await clock.advance(1)
    expect(reply.settled).toMatchObject({ kind: 'cancelled', reason: expect.stringContaining('1000 ms') as unknown })
    await expect(reader.next()).rejects.toMatchObject({ code: 'cancelled' })
  })

  it.each([
    ['empty', EMPTY, []],
    ['given at once', of('a', 'b'), ['A', 'B']],
  ])('that is %s reaches a reader that pulls', async (_, stream$, expected) => {
    const { running } = streaming(stream$)
    const reply = running.submit('x')
    const seen: string[] = []
    for await (const chunk of reply) seen.push(chunk)
    expect(seen).toEqual(expected)
    expect(reply.settled).toMatchObject({ kind: 'completed', chunks: expected.length })
  })

  it('that fails at once reaches a reader that pulls', async () => {
    const { running } = streaming(throwError(() => new Error('no')))
    await expect(running.submit('x').batches().next()).rejects.toBeInstanceOf(StageError)
  })

  it('is paused when streamBuffer chunks wait, and goes on when they have been taken', async () => {
    let made = 0
    const clock = new VirtualClock()
    const source = async function* (): AsyncGenerator<number> {
      while (made < 10) yield made++
    }
    const running = pipeline<string>('p')
      .stage('infer', (_, context) => pulled(source, context), { capacity: 1 })
      .start({ clock, streamBuffer: 3 })
    const reader = running.submit('x').batches()
    const taken: number[] = []
    const take = async (): Promise<number> => {
      const batch = await reader.next()
      if (batch.done !== true) taken.push(...batch.value)
      await clock.settle()
      return made - taken.length
    }
    for (let round = 0; taken.length < 10; round++) {
      const ahead = await take()
      // What waits, and the one for which the source has not been asked yet.
      expect(ahead).toBeLessThanOrEqual(3)
      expect(round).toBeLessThan(10)
    }
    expect(taken).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(await reader.next()).toMatchObject({ done: true })
  })

  it('whose source ignores its reader fails when the buffer is full', async () => {
    const chunks$ = new Subject<string>()
    const { clock, running } = streaming(chunks$)
    const reply = running.submit('x')
    const reader = reply.batches()
    const first = reader.next()
    chunks$.next('a')
    await first
    for (const chunk of 'bcd') chunks$.next(chunk)
    expect(reply.settled).toBeUndefined()
    chunks$.next('e')
    expect(reply.settled).toMatchObject({ kind: 'failed', error: { code: 'overflow' } })
    expect(chunks$.observed).toBe(false)
    expect(await reader.next()).toEqual({ done: false, value: ['B', 'C', 'D'] })
    await expect(reader.next()).rejects.toMatchObject({ code: 'stage_failed', cause: { code: 'overflow' } })
    await clock.settle()
    expect(running.stages.infer.running).toBe(0)
  })

  it('gives a reader that pulls all chunks that are there', async () => {
    const chunks$ = new Subject<string>()
    const { running } = streaming(chunks$)
    const reader = running.submit('x').batches()
    const first = reader.next()
    chunks$.next('a')
    chunks$.next('b')
    expect((await first).value).toEqual(['A', 'B'])
    chunks$.next('c')
    chunks$.complete()
    expect((await reader.next()).value).toEqual(['C'])
    expect(await reader.next()).toMatchObject({ done: true })
  })

  it('is cancelled by a reader that leaves early', async () => {
    const { running } = streaming(concat(of('a', 'b'), NEVER))
    const reply = running.submit('x')
    for await (const chunk of reply) {
      expect(chunk).toBe('A')
      break
    }
    expect(reply.settled).toMatchObject({ kind: 'cancelled' })
  })

  it('that gives without end within its subscription stops when its reader has enough', async () => {
    let made = 0
    const endless$ = new Observable<string>((subscriber) => {
      while (!subscriber.closed && made < 1000) {
        made += 1
        subscriber.next('a')
      }
    })
    const { running } = streaming(endless$)
    const reply = running.submit('x')
    expect(await lastValueFrom(reply.output$.pipe(take(2), toArray()))).toEqual(['A', 'A'])
    expect(made).toBeLessThan(5)
    expect(reply.settled).toMatchObject({ kind: 'cancelled' })
  })
})

describe('slots', () => {
  const capacities = { capacity: 4, concurrency: 1 }

  it('are given back when a stream is shed on its way', () => {
    const running = pipeline<string>('p')
      .stage('infer', letters, { capacity: 4, concurrency: 2 })
      .stage('post', () => new Promise<string>(() => undefined), { capacity: 0 })
      .start({ clock: new VirtualClock(), admission: 'stage' })
    running.submit('a')
    expect(running.submit('b').settled).toMatchObject({ kind: 'shed', stage: 'post', reason: 'full' })
    expect(running.stages.infer.running).toBe(1)
  })

  it('are given back when a stage in between used the stream up or let it lie, and another one was made', async () => {
    const clock = new VirtualClock()
    const running = pipeline<string>('p')
      .stage('first', letters, capacities)
      .stage('ignore', () => 'other', capacities)
      .stage('second', letters, capacities)
      .start({ clock })
    const reply = running.submit('abc')
    expect(await lastValueFrom(reply.output$.pipe(toArray()))).toEqual(['o', 't', 'h', 'e', 'r'])
    expect(running.stages.first.running).toBe(0)
    expect(running.stages.second.running).toBe(0)
    expect(insideOf(running).nodes.map(({ runner }) => runner.runs.size)).toEqual([0, 0, 0])
  })

  it('end with the stream where a stage reads it all, and the answer is a value', async () => {
    const running = pipeline<string>('p')
      .stage('first', letters, capacities)
      .stage('collect', (text$) => lastValueFrom(text$.pipe(toArray())), capacities)
      .start({ clock: new VirtualClock() })
    const reply = running.submit('abc')
    expect(await reply.outcome).toMatchObject({ kind: 'completed', value: ['a', 'b', 'c'] })
    expect(running.stages.first.running).toBe(0)
  })

  it('take values, arrays and strings for values', async () => {
    const running = pipeline<unknown>('p')
      .stage('same', (value) => value, { capacity: 1 })
      .start({ clock: new VirtualClock() })
    for (const value of ['text', ['a', 'b'], { then: 5 }, undefined, null]) {
      expect(running.submit(value).settled).toMatchObject({ kind: 'completed', value })
    }
  })
})

describe('timeoutMs', () => {
  it('runs to the value', async () => {
    const clock = new VirtualClock()
    let context: HandlerContext | undefined
    const running = pipeline<string>('p')
      .stage(
        'slow',
        (_, given) => {
          context = given
          return new Promise<string>(() => undefined)
        },
        { capacity: 1, timeoutMs: 50 },
      )
      .start({ clock })
    const reply = running.submit('x')
    await clock.advance(49)
    expect(reply.settled).toBeUndefined()
    await clock.advance(1)
    expect(reply.settled).toMatchObject({ kind: 'failed', stage: 'slow', error: { code: 'stage_timeout' } })
    expect(context?.signal.aborted).toBe(true)
    expect((reply.settled as { readonly error: unknown }).error).toBeInstanceOf(StageTimeoutError)
  })

  it('runs to the first chunk of a stream, and no further', async () => {
    const chunks$ = new Subject<string>()
    const { clock, running } = streaming(chunks$, {}, { timeoutMs: 50, concurrency: 2 })
    const slow = running.submit('x')
    slow.output$.subscribe({ error: () => undefined })
    await clock.advance(40)
    const quick = running.submit('y')
    quick.output$.subscribe({ error: () => undefined })
    await clock.advance(10)
    expect(slow.settled).toMatchObject({ kind: 'failed', stage: 'infer', error: { code: 'stage_timeout' } })
    chunks$.next('a')
    await clock.advance(5000)
    expect(quick.settled).toBeUndefined()
  })

  it('of a stage that reads a stream is its own: the first chunk does not end it', async () => {
    const clock = new VirtualClock()
    const chunks$ = new Subject<string>()
    const running = pipeline<string>('p')
      .stage('infer', () => chunks$, { capacity: 1, timeoutMs: 1000 })
      .stage('collect', (text$) => lastValueFrom(text$), { capacity: 1, timeoutMs: 50 })
      .start({ clock })
    const reply = running.submit('x')
    await clock.advance(10)
    chunks$.next('a')
    await clock.advance(40)
    expect(reply.settled).toMatchObject({ kind: 'failed', stage: 'collect', error: { code: 'stage_timeout' } })
  })

  it('of a stage whose stream was empty does not reach into the stage that read it', async () => {
    const clock = new VirtualClock()
    const running = pipeline<string>('p')
      .stage('infer', () => EMPTY as Observable<string>, { capacity: 1, timeoutMs: 50 })
      .stage(
        'collect',
        async (text$) => {
          const texts = await lastValueFrom(text$.pipe(toArray()))
          await new Promise<void>((resolve) => {
            clock.setTimeout(resolve, 100)
          })
          return texts
        },
        { capacity: 1 },
      )
      .start({ clock })
    const reply = running.submit('x')
    await clock.advance(200)
    expect(reply.settled).toMatchObject({ kind: 'completed', value: [] })
  })
})

describe('deadlineMs', () => {
  it('covers the whole stream', async () => {
    const clock = new VirtualClock()
    const chunks$ = new Subject<string>()
    const running = pipeline<{ readonly deadlineMs: number }>('p')
      .stage('infer', () => chunks$, { capacity: 1 })
      .start({ clock })
    const reply = running.submit({ deadlineMs: 100 })
    const errors: unknown[] = []
    reply.output$.subscribe({ error: (error: unknown) => errors.push(error) })
    await clock.advance(60)
    chunks$.next('a')
    await clock.advance(39)
    expect(reply.settled).toBeUndefined()
    await clock.advance(1)
    expect(reply.settled).toMatchObject({ kind: 'expired', stage: 'infer', timings: { durationMs: 100 } })
    expect(errors).toMatchObject([{ code: 'expired' }])
    expect(chunks$.observed).toBe(false)
  })
})
