import { concat, from, firstValueFrom, lastValueFrom, Observable, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { AlreadyConsumedError, pipeline, StageCrash } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { gatedHandler } from './gated-handler.ts'

/** A source that counts how often it was opened, and how many of its subscriptions are open. */
function countedSource(chunks: readonly string[], endless: boolean) {
  const count = { opened: 0, open: 0 }
  const source$ = new Observable<string>((subscriber) => {
    count.opened += 1
    count.open += 1
    subscriber.add(() => {
      count.open -= 1
    })
    for (const chunk of chunks) subscriber.next(chunk)
    if (!endless) subscriber.complete()
  })
  return { count, source$ }
}

describe('a stage that collects the stream before it', () => {
  it.each([
    ['cancelled', 0],
    ['expired', 100],
  ])('has its source unsubscribed at once when the request is %s', async (kind, afterMs) => {
    const clock = new VirtualClock()
    const { count, source$ } = countedSource(['a'], true)
    const running = pipeline<{ readonly deadlineMs: number }>('p')
      .stage('infer', () => source$, { capacity: 1 })
      .stage('collect', (text$) => lastValueFrom(text$), { capacity: 1 })
      .start({ clock })
    const reply = running.submit({ deadlineMs: 100 })
    expect(count).toEqual({ opened: 1, open: 1 })
    await clock.advance(afterMs)
    reply.cancel()
    expect(count).toEqual({ opened: 1, open: 0 })
    expect(reply.settled).toMatchObject({ kind })
    expect(running.stages.infer.running).toBe(0)
    await clock.settle()
    expect(running.ledger()).toMatchObject({ submitted: 1, [kind]: 1, inFlight: 0 })
  })

  it.each(['waits', 'runs'])(
    'has used it up: a request that %s after it is untouched by a crash before it',
    async (how) => {
      const clock = new VirtualClock()
      const gate = gatedHandler<string>()
      const running = pipeline<string>('p')
        .stage(
          'a',
          (text) => {
            if (text === 'crash') throw new StageCrash('broken')
            return from(text)
          },
          { capacity: 4 },
        )
        .stage('b', (text$) => lastValueFrom(text$), { capacity: 4 })
        .stage('c', gate.handler, { capacity: 4 })
        .start({ clock, supervision: { backoff: () => 100 } })
      const before = how === 'waits' ? [running.submit('xyz')] : []
      await clock.settle()
      const reply = running.submit('abc')
      await clock.settle()
      expect(running.stages.c).toMatchObject({ running: 1, queueDepth: before.length })
      expect(running.submit('crash').settled).toMatchObject({ kind: 'failed', stage: 'a' })
      expect(running.stages.a.state).toBe('backing-off')
      expect(reply.settled).toBeUndefined()
      expect(before.map(({ settled }) => settled)).toEqual(before.map(() => undefined))
      for (const [index] of [...before, reply].entries()) {
        expect(gate.runs[index]!.context.signal.aborted).toBe(false)
        gate.runs[index]!.resolve(gate.runs[index]!.input)
        await clock.settle()
      }
      expect(reply.settled).toMatchObject({ kind: 'completed', value: 'c' })
      await clock.advance(100)
      expect(running.ledger()).toMatchObject({ failed: 1, completed: before.length + 1, inFlight: 0 })
    },
  )
})

describe('a stage that subscribes the stream before it twice', () => {
  it('fails its request with AlreadyConsumedError, and the source is opened once', async () => {
    const { count, source$ } = countedSource(['a', 'b'], false)
    const running = pipeline<string>('p')
      .stage('infer', () => source$, { capacity: 1 })
      .stage('twice', (text$) => concat(text$, text$), { capacity: 1 })
      .start({ clock: new VirtualClock() })
    const reply = running.submit('x')
    const seen: unknown[] = []
    reply.output$.subscribe({ next: (chunk) => seen.push(chunk), error: (error: unknown) => seen.push(error) })
    expect(seen).toMatchObject(['a', 'b', { code: 'stage_failed', cause: expect.any(AlreadyConsumedError) as unknown }])
    expect(reply.settled).toMatchObject({ kind: 'failed', error: expect.any(AlreadyConsumedError) as unknown })
    expect(count).toEqual({ opened: 1, open: 0 })
    expect(running.stages.infer.running).toBe(0)
  })

  it('fails also where it makes a value of them', async () => {
    const clock = new VirtualClock()
    const { count, source$ } = countedSource(['a', 'b'], false)
    const running = pipeline<string>('p')
      .stage('infer', () => source$, { capacity: 1 })
      .stage('twice', async (text$) => [await firstValueFrom(text$), await lastValueFrom(text$.pipe(toArray()))], {
        capacity: 1,
      })
      .start({ clock })
    const reply = running.submit('x')
    await clock.settle()
    expect(reply.settled).toMatchObject({
      kind: 'failed',
      stage: 'twice',
      error: expect.any(AlreadyConsumedError) as unknown,
    })
    expect(count).toEqual({ opened: 1, open: 0 })
  })
})
