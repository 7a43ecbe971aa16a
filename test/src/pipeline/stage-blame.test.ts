import { Registry } from 'prom-client'
import { fromEvent, map, NEVER, type Observable, of, startWith, takeUntil, tap } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  type HandlerContext,
  pipeline,
  type PipelineEvent,
  pulled,
  StageCrash,
  StageError,
} from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

type Name = 'gen' | 'mid' | 'last'

/** gen → mid → last, each of which looks at every chunk; the named one throws at "b". */
function failing(culprit: Name, error: Error) {
  const clock = new VirtualClock()
  const registry = new Registry()
  const through =
    (name: Name) =>
    (text$: Observable<string>): Observable<string> =>
      text$.pipe(
        map((text) => {
          if (name === culprit && text === 'b') throw error
          return text
        }),
      )
  const running = pipeline<string>('p')
    .stage('gen', () => through('gen')(of('a', 'b', 'c')), { capacity: 1 })
    .stage('mid', through('mid'), { capacity: 1 })
    .stage('last', through('last'), { capacity: 1 })
    .start({ clock, registry, supervision: { backoff: () => 100 } })
  const events: PipelineEvent[] = []
  running.events$.subscribe({ next: (event) => events.push(event), error: () => undefined })
  events.length = 0
  const errorLines = async (): Promise<readonly string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith('orchestrator_errors_total'))
  return { clock, running, events, errorLines }
}

const names = ['gen', 'mid', 'last'] as const

describe('a stream that fails in a stage that it passes through', () => {
  it.each(names)('fails the request there, here in %s, and is counted there', async (name) => {
    const error = new Error('no letter')
    const { running, events, errorLines } = failing(name, error)
    const reply = running.submit('x')
    const seen: unknown[] = []
    reply.output$.subscribe({ next: (chunk) => seen.push(chunk), error: (end: unknown) => seen.push(end) })
    expect(reply.settled).toMatchObject({ kind: 'failed', stage: name, error })
    expect(seen).toMatchObject(['a', { stage: name, cause: error }])
    expect(seen[1]).toBeInstanceOf(StageError)
    expect(await errorLines()).toEqual([`orchestrator_errors_total{stage="${name}",code="stage_failed"} 1`])
    expect(events).toEqual([])
    for (const figures of Object.values(running.stages)) expect(figures).toMatchObject({ running: 0, state: 'running' })
  })

  it.each(names)('with a StageCrash crashes that stage, here %s, which is restarted', async (name) => {
    const error = new StageCrash('broken')
    const { clock, running, events, errorLines } = failing(name, error)
    const reply = running.submit('x')
    reply.output$.subscribe({ error: () => undefined })
    expect(reply.settled).toMatchObject({ kind: 'failed', stage: name, error })
    expect(running.stages[name].state).toBe('backing-off')
    await clock.advance(100)
    expect(events).toMatchObject([
      { type: 'crashed', stage: name, error },
      { type: 'restarted', stage: name },
    ])
    expect(await errorLines()).toEqual([`orchestrator_errors_total{stage="${name}",code="stage_crash"} 1`])
    for (const other of names) {
      expect(running.stages[other]).toMatchObject({ running: 0, state: 'running', restarts: other === name ? 1 : 0 })
    }
    expect(running.ledger()).toMatchObject({ submitted: 1, failed: 1, inFlight: 0 })
  })
})

describe('a stream whose stage crashes by the request of another', () => {
  const calledOff$ = ({ signal }: HandlerContext) => fromEvent(signal, 'abort')
  it.each<[string, (context: HandlerContext) => Observable<string>]>([
    ['errors with the reason', (context) => pulled(() => fromStart(), context)],
    [
      'errors',
      (context) =>
        calledOff$(context).pipe(
          tap(() => {
            throw new Error('theirs')
          }),
          map(() => 'never'),
          startWith('a'),
        ),
    ],
    ['completes', (context) => NEVER.pipe(startWith('a'), takeUntil(calledOff$(context)))],
  ])('and that %s as it is called off, fails with that stage, and takes no other with it', async (_, streamOf) => {
    const clock = new VirtualClock()
    const error = new StageCrash('broken')
    const running = pipeline<string>('p')
      .stage(
        'gen',
        (text, context) => {
          if (text === 'crash') throw error
          return streamOf(context)
        },
        { capacity: 2, concurrency: 2 },
      )
      .stage('mid', (text$) => text$, { capacity: 2 })
      .stage('last', (text$) => text$, { capacity: 2 })
      .start({ clock, supervision: { backoff: () => 100 } })
    const reply = running.submit('x')
    const seen: unknown[] = []
    reply.output$.subscribe({
      next: (chunk) => seen.push(chunk),
      error: (end: unknown) => seen.push(end),
      complete: () => seen.push('complete'),
    })
    await clock.settle()
    running.submit('crash')
    expect(reply.settled).toMatchObject({ kind: 'failed', stage: 'gen', error })
    expect(seen).toMatchObject(['a', { stage: 'gen', cause: error }])
    await clock.advance(100)
    expect(names.map((name) => running.stages[name].restarts)).toEqual([1, 0, 0])
    expect(running.ledger()).toMatchObject({ submitted: 2, failed: 2, inFlight: 0 })
  })
})

async function* fromStart(): AsyncGenerator<string> {
  yield 'a'
  await new Promise(() => undefined)
}
