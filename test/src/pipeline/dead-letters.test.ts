import fc from 'fast-check'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { type DeadLetter, type DeadLetterWriter, pipeline, type PutResult, type Running } from '../../../src/index.ts'
import { deadLetterLimits } from '../../../src/pipeline/dead-letters.ts'
import { UnstorableError } from '../../../src/stores/index.ts'
import { StepClock } from '../../../src/testing/step-clock.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

interface Ask {
  readonly id: string
  readonly session?: string
  readonly does: 'answer' | 'fail' | 'hang'
}

/** A pipeline of one slot and one place, which keeps whatever ends in any of three ways. */
function keeping(deadLetters: DeadLetterWriter, clock: VirtualClock): Running<Ask, string> {
  return pipeline<Ask>('chat')
    .stage(
      'one',
      async ({ id, does }, { signal }) => {
        if (does === 'fail') throw new Error('no '.repeat(1000))
        if (does === 'hang') await new Promise((resolve) => signal.addEventListener('abort', resolve))
        return id
      },
      { capacity: 1, ttlMs: 50, timeoutMs: 80, deadLetter: ['shed', 'failed', 'expired'] },
    )
    .start({ clock, deadLetters, random: () => 0.5 })
}

const noRoom = 'those that are pending are too many or too large'

const stored = (): Promise<PutResult> => Promise.resolve('stored')

function conserved(running: Running<Ask, string>): void {
  const { selected, ...ends } = running.deadLetters()
  expect(Object.values(ends).reduce((sum, count) => sum + count, 0)).toBe(selected)
}

describe('dead letters', () => {
  it('hold what is needed to run the request again', async () => {
    const clock = new VirtualClock()
    const letters: DeadLetter[] = []
    const running = keeping({ put: (letter) => (letters.push(letter), stored()) }, clock)
    const asks: readonly Ask[] = [
      { id: 'a', does: 'hang', session: 's' },
      { id: 'b', does: 'answer' },
      { id: 'c', does: 'answer' },
    ]
    const replies = asks.map((ask) => running.submit(ask))
    expect(letters).toEqual([])
    await clock.advance(200)
    running.submit({ id: 'd', does: 'fail' })
    await clock.advance(200)
    const kept = letters.map(({ id, kind, reason, stage, pipeline: name }) => [id, kind, reason, stage, name])
    expect(kept).toEqual([
      ['c', 'shed', 'door', 'one', 'chat'],
      ['b', 'expired', 'ttl', 'one', 'chat'],
      ['a', 'failed', 'stage_timeout', 'one', 'chat'],
      ['d', 'failed', 'stage_failed', 'one', 'chat'],
    ])
    expect(letters[2]).toMatchObject({ session: 's', submissionId: replies[0]!.submissionId })
    expect(letters[2]!.request).toBe(asks[0])
    expect(letters[2]!.lastSeenAt - letters[2]!.firstSeenAt).toBe(80)
    expect(letters[3]!.error).toHaveLength(1024)
    expect(running.deadLetters()).toMatchObject({ selected: 4, stored: 4, pending: 0 })
    expect(await running.drain()).toMatchObject({ deadLetters: { selected: 4, stored: 4 } })
    expect(clock.pending).toBe(0)
  })

  it('are not made of a request whose deadlineMs is no time: no try could end otherwise', () => {
    const running = pipeline<{ readonly deadlineMs: number }>('p')
      .stage('one', () => 'done', { capacity: 1, deadLetter: ['shed', 'failed'] })
      .start({ clock: new VirtualClock(), deadLetters: { put: stored } })
    expect(running.submit({ deadlineMs: 0 }).settled).toMatchObject({ kind: 'failed' })
    expect(running.submit({ deadlineMs: NaN }).settled).toMatchObject({ kind: 'failed' })
    void running.drain()
    expect(running.submit({ deadlineMs: -1 }).settled).toMatchObject({ kind: 'shed' })
    expect(running.deadLetters().selected).toBe(0)
  })

  it('are as old as they are, although the machine has slept or its time was set since the start', async () => {
    const clock = new StepClock()
    const letters: DeadLetter[] = []
    const running = keeping({ put: (letter) => (letters.push(letter), stored()) }, clock)
    const weekMs = 604_800_000
    clock.shiftWall(2 * weekMs)
    running.submit({ id: 'a', does: 'hang' })
    await clock.advance(200)
    const [letter] = letters
    expect([letter!.firstSeenAt, letter!.lastSeenAt]).toEqual([2 * weekMs, 2 * weekMs + 80])
    await running.drain()
  })

  it('are put once for each request that is selected, and each has one end, whatever the store does', async () => {
    const anyAnswer = fc.record({
      does: fc.constantFrom('stored', 'duplicate', 'conflict', 'full', 'reject', 'throw', 'hang', 'nonsense'),
      afterMs: fc.constantFrom(0, 1, 300, 20_000),
    })
    const anyStep = fc.record({
      does: fc.constantFrom('answer', 'fail', 'hang'),
      afterMs: fc.constantFrom(0, 10, 60, 1_000),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyAnswer, { minLength: 1, maxLength: 40, size: 'max' }),
        fc.array(anyStep, { minLength: 1, maxLength: 40, size: 'max' }),
        async (answers, steps) => {
          const clock = new VirtualClock()
          const put = new Map<string, Set<unknown>>()
          const ended = new Map<string, number>()
          let calls = 0
          const writer: DeadLetterWriter = {
            put: ({ submissionId, request }) => {
              put.set(submissionId, (put.get(submissionId) ?? new Set()).add(request))
              const { does, afterMs } = answers[calls++ % answers.length]!
              if (does === 'throw') throw new Error('no')
              return new Promise((resolve, reject) => {
                if (does === 'hang') return
                clock.setTimeout(() => {
                  if (does === 'reject') {
                    reject(new Error('away'))
                    return
                  }
                  ended.set(submissionId, (ended.get(submissionId) ?? 0) + 1)
                  resolve(does as PutResult)
                }, afterMs)
              })
            },
          }
          const running = keeping(writer, clock)
          const selected = new Set<string>()
          running.outcomes$.subscribe({
            next: ({ kind, submissionId }) => {
              if (kind !== 'completed' && kind !== 'cancelled') selected.add(submissionId)
            },
            error: expect.unreachable,
          })
          for (const [index, { does, afterMs }] of steps.entries()) {
            running.submit({ id: String(index), does })
            conserved(running)
            await clock.advance(afterMs)
            conserved(running)
          }
          let report
          void running.drain({ timeoutMs: 1_000 }).then((made) => (report = made))
          await clock.advance(30_000)
          conserved(running)
          expect(report).toMatchObject({ deadLetters: { selected: selected.size, pending: 0 } })
          for (const [submissionId, requests] of put) {
            expect(selected).toContain(submissionId)
            expect(requests.size).toBe(1)
          }
          const { stored: kept, duplicate, conflict, full, dropped } = running.deadLetters()
          expect(kept + duplicate + conflict + full).toBeLessThanOrEqual([...ended.values()].length)
          expect(kept + duplicate + conflict + full + dropped).toBe(selected.size)
        },
      ),
    )
  })

  it('are tried again, and given up after ten times', async () => {
    const clock = new VirtualClock()
    let puts = 0
    const running = keeping({ put: () => (puts++, Promise.reject(new Error('away'))) }, clock)
    running.submit({ id: 'a', does: 'fail' })
    await clock.advance(600_000)
    expect(puts).toBe(deadLetterLimits.attempts)
    expect(running.deadLetters()).toMatchObject({ selected: 1, dropped: 1, pending: 0 })
    expect(clock.pending).toBe(0)
  })

  it('that are pending are bounded; beyond, they are counted, and logged once a second', async () => {
    const clock = new VirtualClock()
    const lines: object[] = []
    const log = (fields: object): number => lines.push(fields)
    const logger = { debug: log, info: log, warn: log, error: log, child: () => logger }
    const running = pipeline<Ask>('p')
      .stage('one', () => new Promise(() => undefined), { capacity: 0, deadLetter: ['shed'] })
      .start({ clock, logger, deadLetters: { put: () => new Promise(() => undefined) } })
    for (let index = 0; index < deadLetterLimits.entries + 8; index++) running.submit({ id: 'x', does: 'hang' })
    expect(running.deadLetters()).toMatchObject({ selected: 10_007, pending: 10_000, dropped: 7 })
    expect(lines.filter((line) => 'dropped' in line)).toEqual([
      { count: 1, dropped: 1, full: 0, conflict: 0, causes: [{ cause: noRoom, count: 1 }] },
    ])
    await clock.advance(1_000)
    expect(lines.findLast((line) => 'dropped' in line)).toMatchObject({ count: 6, dropped: 7 })
    let drained = false
    void running.drain({ timeoutMs: 100 }).then(() => (drained = true))
    await clock.advance(10_000)
    expect(drained).toBe(true)
    expect(running.deadLetters()).toMatchObject({ pending: 0, dropped: 10_007 })
    expect(lines.findLast((line) => 'dropped' in line)).toMatchObject({ dropped: 10_007 })
  })

  it('that are large are bounded by bytes', async () => {
    const clock = new VirtualClock()
    const running = pipeline<{ readonly bytes: Uint8Array }>('p')
      .stage('one', () => Promise.reject(new Error('no')), { capacity: 9, concurrency: 9, deadLetter: ['failed'] })
      .start({ clock, deadLetters: { put: stored } })
    running.submit({ bytes: new Uint8Array(deadLetterLimits.bytes) })
    await clock.settle()
    expect(running.deadLetters()).toMatchObject({ selected: 1, dropped: 1 })
    for (let stored = 1; stored <= 3; stored++) {
      running.submit({ bytes: new Uint8Array(deadLetterLimits.bytes * 0.75) })
      await clock.settle()
      expect(running.deadLetters()).toMatchObject({ stored, pending: 0 })
    }
  })

  it('are put a few at a time, until all are stored', async () => {
    const clock = new VirtualClock()
    let [at, most] = [0, 0]
    const put = (): Promise<PutResult> => {
      most = Math.max(most, ++at)
      return new Promise((resolve) => {
        clock.setTimeout(() => {
          at -= 1
          resolve('stored')
        }, 5)
      })
    }
    const running = keeping({ put }, clock)
    for (let index = 0; index < 100; index++) {
      running.submit({ id: 'x', does: 'fail' })
      await clock.settle()
    }
    await clock.advance(100)
    expect(running.deadLetters()).toMatchObject({ stored: 100, pending: 0 })
    expect(most).toBe(deadLetterLimits.puts)
  })

  it('are dropped at once where the store answers what it cannot mean', async () => {
    const clock = new VirtualClock()
    let puts = 0
    const put = (): Promise<PutResult> => (puts++, Promise.resolve('OK' as PutResult))
    const running = keeping({ put }, clock)
    running.submit({ id: 'a', does: 'fail' })
    await clock.advance(600_000)
    expect([puts, running.deadLetters().dropped]).toEqual([1, 1])
  })

  it('are dropped at once, and it is said why, where they can never be stored', async () => {
    const clock = new VirtualClock()
    const lines: object[] = []
    const log = (line: object): void => void lines.push(line)
    const logger = { debug: log, info: log, warn: log, error: log, child: () => logger }
    let puts = 0
    const put = (): Promise<PutResult> => {
      puts += 1
      return Promise.reject(new UnstorableError('request.at must be plain JSON to be kept'))
    }
    const running = pipeline<string>('chat')
      .stage('one', () => Promise.reject(new Error('no')), { capacity: 1, deadLetter: ['failed'] })
      .start({ clock, logger, deadLetters: { put } })
    running.submit('a')
    await clock.settle()
    expect(running.deadLetters()).toMatchObject({ selected: 1, dropped: 1, pending: 0 })
    expect(puts).toBe(1)
    expect(lines).toContainEqual(
      expect.objectContaining({
        dropped: 1,
        causes: [{ cause: 'request.at must be plain JSON to be kept', count: 1 }],
      }),
    )
    await running.drain()
  })

  it('that are lost within a second of others are told when it is over, each cause with its count', async () => {
    const clock = new VirtualClock()
    const lines: object[] = []
    const log = (line: object): void => void lines.push(line)
    const logger = { debug: log, info: log, warn: log, error: log, child: () => logger }
    const put = ({ request }: DeadLetter): Promise<PutResult> =>
      request === 'full' ? Promise.resolve('full') : Promise.reject(new UnstorableError(`no ${String(request)}`))
    const running = pipeline<string>('chat')
      .stage('one', () => Promise.reject(new Error('no')), { capacity: 1, deadLetter: ['failed'] })
      .start({ clock, logger, deadLetters: { put } })
    const lose = async (requests: readonly string[]): Promise<void> => {
      for (const request of requests) {
        running.submit(request)
        await clock.settle()
      }
    }
    const told = (): readonly unknown[] => lines.flatMap((line) => ('causes' in line ? [line.causes] : []))
    await lose(['a', 'b', 'full', 'c', 'b'])
    await clock.advance(999)
    expect(told()).toEqual([[{ cause: 'no a', count: 1 }]])
    await clock.advance(1)
    const second = [
      { cause: 'no b', count: 2 },
      { cause: 'the store is full', count: 1 },
      { cause: 'no c', count: 1 },
    ]
    expect(told().slice(1)).toEqual([second])
    expect(clock.pending).toBe(0)
    await lose(Array.from({ length: 20 }, (_, at) => `${at}`))
    expect(told()).toHaveLength(2)
    await running.drain()
    expect(told()).toHaveLength(3)
    const causes = told()[2] as readonly { readonly cause: string; readonly count: number }[]
    expect(causes).toHaveLength(9)
    expect(causes.at(-1)).toEqual({ cause: 'others', count: 12 })
    expect(clock.pending).toBe(0)
  })

  it('that are not stored when a drain ends are dropped for good, and leave no timer', async () => {
    const clock = new VirtualClock()
    const late: ((result: PutResult) => void)[] = []
    const signals: AbortSignal[] = []
    const put: DeadLetterWriter['put'] = (_, { signal }) => {
      signals.push(signal)
      return new Promise((resolve) => late.push(resolve))
    }
    const running = keeping({ put }, clock)
    running.submit({ id: 'a', does: 'fail' })
    await clock.settle()
    let drained = false
    void running.drain({ timeoutMs: 100 }).then(() => (drained = true))
    await clock.advance(100)
    expect([drained, clock.pending, signals[0]!.aborted]).toEqual([true, 0, true])
    late[0]!('stored')
    await clock.settle()
    expect(running.deadLetters()).toMatchObject({ selected: 1, dropped: 1, stored: 0 })
  })

  it('are flushed by a drain after the stages, at once though they were to be tried later', async () => {
    const clock = new VirtualClock()
    let away = true
    const put = (): Promise<PutResult> => (away ? Promise.reject(new Error('away')) : stored())
    const running = keeping({ put }, clock)
    for (const id of ['a', 'b', 'c']) running.submit({ id, does: 'fail' })
    await clock.advance(3_000)
    expect(running.deadLetters().stored).toBe(0)
    away = false
    let report
    void running.drain({ timeoutMs: 1_000 }).then((made) => (report = made))
    await clock.settle()
    expect(report).toMatchObject({ deadLetters: { selected: 3, stored: 3, pending: 0 } })
    expect(clock.pending).toBe(0)
  })

  it('are in the metrics, by what became of them', async () => {
    const registry = new Registry()
    const clock = new VirtualClock()
    const answers: PutResult[] = ['stored', 'full']
    const put = (): Promise<PutResult> => Promise.resolve(answers.pop()!)
    const running = pipeline<string>('p')
      .stage('one', () => Promise.reject(new Error('no')), { capacity: 2, deadLetter: ['failed'] })
      .start({ clock, registry, deadLetters: { put } })
    running.submit('a')
    running.submit('b')
    await clock.settle()
    const text = await registry.metrics()
    for (const [transition, count] of Object.entries({ stored: 1, full: 1, duplicate: 0, conflict: 0, dropped: 0 }))
      expect(text).toContain(`orchestrator_dead_letters_total{transition="${transition}"} ${count}\n`)
    expect(text).toContain('orchestrator_dead_letters{state="pending"} 0\n')
  })

  it('need a store, and kinds that there are', () => {
    const stage = (deadLetter: unknown) =>
      pipeline<Ask>('p').stage('one', ({ id }) => id, { capacity: 1, deadLetter: deadLetter as ['shed'] })
    expect(() => stage(['shed']).start()).toThrow(
      'pipeline "p": stage "one" has deadLetter, so start needs the option deadLetters: where they go',
    )
    expect(() => stage(['shed']).start({ deadLetters: {} as DeadLetterWriter })).toThrow(/deadLetters must be/)
    for (const wrong of [[], 'shed', ['shed', 'shed'], ['cancelled']])
      expect(() => stage(wrong)).toThrow(/stage "one": deadLetter must list some of "shed", "failed" and "expired"/)
  })
})
