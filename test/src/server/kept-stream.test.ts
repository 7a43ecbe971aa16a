import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeptStream } from '../../../src/server/kept-stream.ts'
import type { Refusal } from '../../../src/server/refusal.ts'
import { writeBytes } from '../../../src/server/joined.ts'
import { type Script, scriptedPipeline, unspeakable } from './scripted-pipeline.ts'

const failed: Refusal = { status: 500, message: 'failed', type: 'server_error', param: null, code: 'internal_error' }

function keep(script: Script, window = { events: 1000, bytes: 1_000_000 }): KeptStream {
  return new KeptStream(scriptedPipeline(script).running.submit({ input: 'x' }), window, () => failed)
}

/** The events of a text, as `[number, type, data]`. */
function eventsOf(text: string): [number, string, unknown][] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((event) => {
      const [, id, type, data] = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/.exec(event)!
      return [Number(id), type!, JSON.parse(data!)]
    })
}

const counting = (batches: readonly number[]): Script =>
  async function* () {
    let number = 0
    for (const size of batches) yield Array.from({ length: size }, () => ({ text: `${++number} ` }))
    return undefined
  }

test('events are numbered from 1, and the last is the outcome', async () => {
  const stream = keep(counting([2, 1]))
  while (!stream.ended) await stream.more()
  expect(eventsOf(stream.after(0).text)).toMatchObject([
    [1, 'chunk', { text: '1 ' }],
    [2, 'chunk', { text: '2 ' }],
    [3, 'chunk', { text: '3 ' }],
    [4, 'outcome', { kind: 'completed', chunks: 3 }],
  ])
  expect(stream.after(4)).toEqual({ text: '', last: 4 })
})

test('a bad end is the outcome, too, and once', async () => {
  const stream = keep(async function* () {
    yield [{ text: 'half' }]
    return { kind: 'failed', stage: 'inference', error: new Error('secret') }
  })
  await stream.more()
  await Promise.all([stream.more(), stream.more()])
  await stream.more()
  const events = eventsOf(stream.after(0).text)
  expect(events.map(([, type]) => type)).toEqual(['chunk', 'outcome'])
  expect(events[1]?.[2]).toMatchObject({ kind: 'failed', stage: 'inference', error: { status: 500 } })
  expect(JSON.stringify(events)).not.toContain('secret')
})

test('the model is asked for more only when its reader has been given all', async () => {
  let asked = 0
  const stream = keep(async function* () {
    for (; asked < 10; asked++) yield [{ text: 'x' }]
    return undefined
  })
  await stream.more()
  expect([asked, stream.last]).toEqual([0, 1])
  await stream.more()
  expect([asked, stream.last]).toEqual([1, 2])
})

test('the window holds the last events, within both of its bounds, and all that nobody has been given', async () => {
  const bytes = fc.integer({ min: 1, max: 500 })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 12 }),
      bytes,
      fc.infiniteStream(fc.boolean()),
      async (batches, events, maxBytes, reads) => {
        const stream = keep(counting(batches), { events, bytes: maxBytes })
        let given = 0
        while (!stream.ended) {
          await stream.more()
          // What was not given is all there.
          expect(stream.first).toBeLessThanOrEqual(given + 1)
          if (reads.next().value) {
            const { text } = stream.after(given)
            expect(eventsOf(text).map(([id]) => id)).toEqual(
              Array.from({ length: stream.last - given }, (_, index) => given + index + 1),
            )
            given = stream.last
            const { text: kept } = stream.after(stream.first - 1)
            expect(eventsOf(kept).length).toBeLessThanOrEqual(events)
            expect(kept.length).toBeLessThanOrEqual(maxBytes)
          }
        }
      },
    ),
  )
})

test('of which much is there is given in pieces of a bounded size, and what no reader was given stays', async () => {
  const texts = Array.from({ length: 400 }, (_, index) => `${index} ${'é'.repeat(index)}`)
  const stream = keep(
    async function* () {
      yield texts.map((text) => ({ text }))
      return undefined
    },
    { events: 3, bytes: 1000 },
  )
  await stream.more()
  const read: string[] = []
  for (let after = 0; after < stream.last;) {
    const { text, last } = stream.after(after)
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(writeBytes)
    read.push(...eventsOf(text).map(([, , data]) => (data as { text: string }).text))
    after = last
  }
  expect(read).toEqual(texts)
  await stream.more()
  expect(eventsOf(stream.after(stream.last - 1).text)).toMatchObject([[401, 'outcome', { kind: 'completed' }]])
})

test('an answer of which no events can be made has failed, whatever became of its request', async () => {
  const stream = keep(async function* () {
    yield [{ text: 'hi' }]
    yield [unspeakable]
    return undefined
  })
  while (!stream.ended) await stream.more()
  expect(stream.fault).toBe(failed)
  expect(eventsOf(stream.after(0).text).map(([, type, data]) => [type, data])).toMatchObject([
    ['chunk', { text: 'hi' }],
    ['outcome', { kind: 'failed', error: { status: 500, code: 'internal_error', message: 'failed', param: null } }],
  ])
  expect(stream.reply.settled).toMatchObject({ kind: 'cancelled', reason: 'the server failed' })
})
