import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { pipeline, StageCrash } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { bookkeeper } from './bookkeeper.ts'

const supervision = { backoff: () => 100 }

describe('the log', () => {
  it('has one warning for each shed, and above ten a second one line a second with the count', async () => {
    const clock = new VirtualClock()
    const { lines, logger } = bookkeeper()
    const running = pipeline<{ readonly id: string; readonly session: string }>('p')
      .stage('one', () => new Promise(() => undefined), { capacity: 1 })
      .start({ clock, logger })
    const flood = (count: number): void => {
      for (let index = 0; index < count; index++) running.submit({ id: `r${index}`, session: 'alice' })
    }
    flood(2 + 9)
    expect(lines).toHaveLength(9)
    const session = createHash('sha256').update('alice').digest('hex').slice(0, 12)
    const expected = { level: 'warn', message: 'request shed', stage: 'one', reason: 'door', depth: 1 }
    expect(lines[0]).toEqual({ ...expected, request: 'r2', session })
    flood(5)
    expect(lines).toHaveLength(10)
    await clock.advance(999)
    expect(lines).toHaveLength(10)
    await clock.advance(1)
    expect(lines.slice(10)).toEqual([{ level: 'warn', message: 'more requests shed in the last second', count: 4 }])
    flood(1)
    expect(lines.at(-1)).toMatchObject(expected)
    flood(20)
    await clock.advance(1000)
    expect(lines.at(-1)).toMatchObject({ count: 11 })
    await clock.advance(10_000)
    expect(lines).toHaveLength(22)
  })

  it('never holds the text of a prompt, whatever goes wrong with it', async () => {
    const clock = new VirtualClock()
    const { lines, logger } = bookkeeper()
    const secret = 'my heart is broken'
    const failures: readonly ((text: string) => unknown)[] = [
      (text) => Promise.reject(new Error(`cannot parse ${text}`)),
      (text) => {
        throw new StageCrash(`gave up on ${text}`)
      },
      (text: unknown) => Promise.reject(text),
      (text) => text,
      () => new Promise(() => undefined),
    ]
    const running = pipeline<{ readonly input: string; readonly how: number; readonly deadlineMs?: unknown }>('p')
      .stage('one', ({ input, how }) => failures[how]!(input), { capacity: 0, timeoutMs: 50 })
      .start({ clock, logger, abortGraceMs: 10, supervision: { ...supervision, maxRestarts: 2 } })
    for (const how of [0, 1, 2, 3, 4, 4, 1, 1, 1]) {
      running.submit({ input: secret, how })
      running.submit({ input: secret, how, deadlineMs: secret })
      await clock.advance(100)
    }
    expect(running.state).toBe('failed')
    await running.drain()
    expect(running.ledger()).toMatchObject({ inFlight: 0 })
    expect(lines.map(({ message }) => message)).toContain('request failed')
    expect(lines.map(({ message }) => message)).toContain('stage crashed')
    expect(JSON.stringify(lines)).not.toContain('heart')
  })

  it('names the request and the stage in what a handler writes', () => {
    const { lines, logger } = bookkeeper()
    const running = pipeline<{ readonly id: string }>('p')
      .stage(
        'one',
        (_, context) => {
          context.logger.info({ answer: 42 }, 'hello')
        },
        { capacity: 1 },
      )
      .start({ clock: new VirtualClock(), logger })
    running.submit({ id: 'r1' })
    expect(lines).toEqual([{ level: 'info', message: 'hello', request: 'r1', stage: 'one', answer: 42 }])
  })
})
