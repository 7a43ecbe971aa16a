import { describe, expect, it } from 'vitest'
import { type DrainReport, type Outcome, pipeline, type Reply, StageCrash } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

type Manner = 'a value' | 'a promise' | 'an error'

/** How the handler that is on the stack while its stage crashes goes on. */
function leave(manner: Manner, value: string): string | Promise<string> {
  if (manner === 'an error') throw new Error('no')
  return manner === 'a value' ? value : Promise.resolve(value)
}

/** "outer" submits "bad" from within stage a, at its first run; "bad" crashes the stage that is named. */
function nesting(crashing: 'a' | 'b', manner: Manner, maxRestarts: number) {
  const clock = new VirtualClock()
  const attempts: number[] = []
  const replies: Reply<string>[] = []
  const outcomes: Outcome<string>[] = []
  const crash = (stage: string, text: string): void => {
    if (text === 'bad' && stage === crashing) throw new StageCrash('broken')
  }
  const running = pipeline<string>('p')
    .stage(
      'a',
      (text, { attempt }): string | Promise<string> => {
        crash('a', text)
        if (text !== 'outer') return text
        attempts.push(attempt)
        if (attempt > 1) return `${text} again`
        replies.push(running.submit('bad'))
        return leave(manner, text)
      },
      { capacity: 4, concurrency: 2 },
    )
    .stage(
      'b',
      (text) => {
        crash('b', text)
        return text
      },
      { capacity: 4 },
    )
    .start({ clock, supervision: { maxRestarts, backoff: () => 100 } })
  running.outcomes$.subscribe({ next: (outcome) => outcomes.push(outcome), error: () => undefined })
  running.events$.subscribe({ error: () => undefined })
  return { clock, running, attempts, replies, outcomes }
}

const manners = ['a value', 'a promise', 'an error'] as const

describe('a crash by a request that a handler submits', () => {
  it.each((['a', 'b'] as const).flatMap((crashing) => manners.map((manner) => [crashing, manner] as const)))(
    'in stage %s ends all, also the one on the stack that goes on with %s, when there are no restarts',
    async (crashing, manner) => {
      const { clock, running, replies, outcomes } = nesting(crashing, manner, 0)
      replies.push(running.submit('outer'))
      await clock.advance(10_000)
      expect(running.state).toBe('failed')
      expect(running.ledger()).toMatchObject({ submitted: 2, inFlight: 0 })
      expect(outcomes.map(({ submissionId }) => submissionId).toSorted()).toEqual(
        replies.map(({ submissionId }) => submissionId).toSorted(),
      )
      for (const reply of replies) expect(await reply.outcome).toMatchObject({ kind: 'failed' })
      const reports: DrainReport[] = []
      void running.drain({ timeoutMs: 1000 }).then((report) => reports.push(report))
      await clock.advance(1000)
      expect(reports).toMatchObject([{ inFlight: 0, timedOut: 0 }])
      expect(running.stages.a).toMatchObject({ running: 0, queueDepth: 0 })
      expect(running.stages.b).toMatchObject({ running: 0, queueDepth: 0 })
    },
  )

  it.each(manners)('puts the one on the stack, that goes on with %s, back or fails it, never both', async (manner) => {
    const { clock, running, attempts, replies, outcomes } = nesting('a', manner, 3)
    const outer = running.submit('outer')
    await clock.advance(10_000)
    expect(replies[0]?.settled).toMatchObject({ kind: 'failed', stage: 'a', error: expect.any(StageCrash) as unknown })
    expect(outcomes.filter(({ submissionId }) => submissionId === outer.submissionId)).toHaveLength(1)
    const putBack = attempts.length === 2
    expect(attempts).toEqual(putBack ? [1, 2] : [1])
    expect(outer.settled).toMatchObject(putBack ? { kind: 'completed', value: 'outer again' } : { kind: 'failed' })
    expect(running.ledger()).toMatchObject({ submitted: 2, inFlight: 0 })
    expect(running.stages.a).toMatchObject({ state: 'running', running: 0, queueDepth: 0, restarts: 1 })
    expect(running.submit('next').settled).toMatchObject({ kind: 'completed', value: 'next' })
  })
})
