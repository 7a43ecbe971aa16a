import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeptStream } from '../../../src/server/kept-stream.ts'
import { type Script, scriptedPipeline } from './scripted-pipeline.ts'

function keep(script: Script, window = { events: 1000, bytes: 1_000_000 }): KeptStream {
  return new KeptStream(scriptedPipeline(script).running.submit({ input: 'x' }), window)
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
  expect(eventsOf(stream.after(0))).toMatchObject([
    [1, 'chunk', { text: '1 ' }],
    [2, 'chunk', { text: '2 ' }],
    [3, 'chunk', { text: '3 ' }],
    [4, 'outcome', { kind: 'completed', chunks: 3 }],
  ])
  expect(stream.after(4)).toBe('')
})

test('a bad end is the outcome, too, and once', async () => {
  const stream = keep(async function* () {
    yield [{ text: 'half' }]
    return { kind: 'failed', stage: 'inference', error: new Error('secret') }
  })
  await stream.more()
  await Promise.all([stream.more(), stream.more()])
  await stream.more()
  const events = eventsOf(stream.after(0))
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
            const text = stream.after(given)
            expect(eventsOf(text).map(([id]) => id)).toEqual(
              Array.from({ length: stream.last - given }, (_, index) => given + index + 1),
            )
            given = stream.last
            const kept = stream.after(stream.first - 1)
            expect(eventsOf(kept).length).toBeLessThanOrEqual(events)
            expect(kept.length).toBeLessThanOrEqual(maxBytes)
          }
        }
      },
    ),
  )
})
