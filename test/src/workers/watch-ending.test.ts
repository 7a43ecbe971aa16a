import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { endedProperly, watchEnding } from '../../../src/workers/watch-ending.ts'

const events = { headers: { 'content-type': 'text/event-stream; charset=utf-8' } }

function inPieces(text: string, size: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.subarray(at, at + size))
      controller.close()
    },
  })
}

async function ends(text: string, size: number): Promise<boolean> {
  const response = watchEnding(new Response(inPieces(text, size), events))
  expect(await response.text()).toBe(text)
  return endedProperly(response)
}

const line = fc.constantFrom('data: {"text":"größer 😀"}', ': comment', '', 'data: x')

describe('the end of an event stream', () => {
  test.each(['data: [DONE]\n\n', 'data: [DONE]\n', 'data: [DONE]', 'data:[DONE]\r\n\r\n'])(
    'is %j, however it is split',
    async (ending) => {
      await fc.assert(
        fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 200 }), async (lines, size) => {
          expect(await ends([...lines, ending].join('\n'), size)).toBe(true)
        }),
      )
    },
  )

  test.each([
    '',
    'data: [DON',
    'data: {"text":"data: [DONE]"}\n\n',
    ': data: [DONE]\n\n',
    'data: [DONE]\n\ndata: {"text":"more"}\n\n',
  ])('is not %j', async (ending) => {
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 200 }), async (lines, size) => {
        expect(await ends([...lines, ending].join('\n'), size)).toBe(false)
      }),
    )
  })

  test.each([
    ['of another type', new Response('data: [DONE]')],
    ['of a refusal', new Response('data: [DONE]', { ...events, status: 500 })],
    ['without a body', new Response(null, events)],
  ])('is not looked for in a response %s', (_, response) => {
    expect(watchEnding(response)).toBe(response)
    expect(endedProperly(response)).toBe(false)
  })
})
