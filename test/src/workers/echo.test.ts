import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Clock, systemClock, type TimerHandle } from '../../../operators/index.ts'
import { type EndlessSubject, modelWorkerContract } from '../../../src/testing/model-worker-contract.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { echo } from '../../../src/workers/echo.ts'
import type { Prompt } from '../../../src/workers/model-worker.ts'
import { readAll } from '../../fixtures/read-all.ts'

const ask = (...contents: string[]): Prompt => ({ messages: contents.map((content) => ({ role: 'user', content })) })

/** A clock whose timers never fire, and which tells when one is set and when none is left. */
function stoppedClock(): { clock: Clock; opened: Promise<unknown>; idle: () => Promise<void> } {
  const timers = new Set<TimerHandle>()
  const opened = Promise.withResolvers<undefined>()
  let whenIdle: (() => void)[] = []
  const clock: Clock = {
    ...systemClock,
    setTimeout() {
      const handle = {}
      timers.add(handle)
      opened.resolve(undefined)
      return handle
    },
    clearTimeout(handle) {
      timers.delete(handle)
      if (timers.size > 0) return
      for (const resolve of whenIdle) resolve()
      whenIdle = []
    },
  }
  const idle = (): Promise<void> => new Promise((resolve) => (timers.size === 0 ? resolve() : whenIdle.push(resolve)))
  return { clock, opened: opened.promise, idle }
}

function endlessEcho(): EndlessSubject {
  const { clock, opened, idle } = stoppedClock()
  return { worker: echo({ chunkDelayMs: 1000, clock }), sourceOpened: () => opened, sourceClosed: idle }
}

for (const check of modelWorkerContract('echo', { create: () => ({ worker: echo() }), createEndless: endlessEcho })) {
  test(check.name, check.run)
}

describe('the answer', () => {
  test("is the messages' contents with a blank line between them", async () => {
    expect((await echo().infer(ask('You are terse.', 'What is a spillway?'))).text).toBe(
      'You are terse.\n\nWhat is a spillway?',
    )
  })

  test('comes word by word and concatenates to the prompt, whatever is in it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom('a', 'ß', '😀', ' ', '\n', '\t', '\u3000', '\ud800') }),
        async (text) => {
          const chunks = await readAll(echo().inferStream(ask(text)))
          expect(chunks.map((chunk) => chunk.text).join('')).toBe(text)
          const words = text.split(/\s+/).filter((word) => word !== '')
          expect(chunks.map((chunk) => chunk.text.trim())).toEqual(words.length === 0 ? [''] : words)
          expect(chunks.at(-1)).toMatchObject({
            finishReason: 'stop',
            usage: { promptTokens: words.length, completionTokens: words.length },
          })
        },
      ),
    )
  })

  test('is cut after maxTokens words, and says so', async () => {
    const prompt: Prompt = { ...ask('one two three four '), parameters: { maxTokens: 2 } }
    expect(await echo().infer(prompt)).toEqual({
      text: 'one two',
      finishReason: 'length',
      usage: { promptTokens: 4, completionTokens: 2 },
    })
  })

  test('is whole when maxTokens is just enough', async () => {
    const prompt: Prompt = { ...ask('one two '), parameters: { maxTokens: 2 } }
    expect(await echo().infer(prompt)).toMatchObject({ text: 'one two ', finishReason: 'stop' })
  })
})

describe('time', () => {
  test('comes after delayMs, then every chunkDelayMs', async () => {
    const clock = new VirtualClock()
    const worker = echo({ delayMs: 1000, chunkDelayMs: 50, clock })
    const times: [number, string][] = []
    const reading = (async () => {
      for await (const chunk of worker.inferStream(ask('one two three'))) times.push([clock.now(), chunk.text])
    })()
    await clock.advance(10_000)
    await reading
    const start = times[0]![0]
    expect(times.map(([at, text]) => [at - start, text])).toEqual([
      [0, 'one'],
      [50, ' two'],
      [100, ' three'],
    ])
    expect(start).toBe(1000)
  })

  test.each([
    ['one two three four', 1000, [250, 500, 750, 1000]],
    ['one', 1000, [1000]],
    ['', 1000, [1000]],
    ['one two three four', 2, [0.5, 1, 1.5, 2]],
  ])('the chunks of %j are spread evenly over %d ms', async (text, answerMs, expected) => {
    const clock = new VirtualClock()
    const times: number[] = []
    const reading = (async () => {
      for await (const _ of echo({ answerMs, clock }).inferStream(ask(text))) times.push(clock.now())
    })()
    await clock.advance(answerMs)
    await reading
    expect(times).toEqual(expected)
  })

  test('sets no timer without a delay', async () => {
    const clock: Clock = {
      ...systemClock,
      setTimeout: () => {
        throw new Error('a timer')
      },
    }
    expect((await echo({ clock }).infer(ask('no delay'))).text).toBe('no delay')
  })

  test('takes its timer back when the call is aborted', async () => {
    const { clock, opened, idle } = stoppedClock()
    const call = new AbortController()
    const answer = echo({ delayMs: 1000, clock }).infer(ask('never'), { signal: call.signal })
    await opened
    call.abort(new Error('enough'))
    await expect(answer).rejects.toThrow('enough')
    await idle()
  })

  test.each([{ delayMs: -1 }, { chunkDelayMs: Number.NaN }, { answerMs: -1 }, { delayMS: 1 }])(
    'refuses %o',
    (options) => {
      expect(() => echo(options)).toThrow(Object.keys(options)[0])
    },
  )
})
