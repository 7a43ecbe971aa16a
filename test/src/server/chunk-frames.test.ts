import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ChunkFrames } from '../../../src/server/chunk-frames.ts'
import type { CompletionChunk } from '../../../src/workers/model-worker.ts'

const head = { id: 'chatcmpl-1', created: 1_700_000_000, model: 'echo' }

interface Frame {
  readonly id: string
  readonly object: string
  readonly created: number
  readonly model: string
  readonly choices: readonly {
    readonly delta: { role?: string; content?: string }
    readonly finish_reason: string | null
  }[]
  readonly usage?: unknown
}

/** Reads an event stream as the standard says: over the wire as UTF-8, events end at a blank line. */
function read(wire: string): { frames: Frame[]; last: string } {
  const text = new TextDecoder().decode(new TextEncoder().encode(wire))
  const events = text.split('\n\n')
  expect(events.pop()).toBe('')
  const payloads = events.map((event) => {
    expect(event.startsWith('data: ')).toBe(true)
    expect(event).not.toMatch(/[\r\n]/)
    return event.slice(6)
  })
  const last = payloads.pop() ?? ''
  return { frames: payloads.map((payload) => JSON.parse(payload) as Frame), last }
}

const textOf = (frames: readonly Frame[]): string =>
  frames.map((frame) => frame.choices[0]?.delta.content ?? '').join('')

/** Any UTF-16 code unit, halves of pairs among them, and what could be taken for the protocol's own. */
const anyText = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
      fc.constantFrom('\r', '\n', '\n\n', 'data: ', '\ud83d', '\ude00', '😀', '\u2028', '"', '\\', '[DONE]'),
    ),
  )
  .map((units) => units.join(''))

test('whatever the text and wherever it is split, it arrives whole', () => {
  fc.assert(
    fc.property(fc.array(anyText), fc.boolean(), (texts, includeUsage) => {
      const writer = new ChunkFrames(head, includeUsage)
      const { frames, last } = read(texts.map((text) => writer.chunk({ text })).join('') + writer.end())
      expect(last).toBe('[DONE]')
      expect(textOf(frames)).toBe(texts.join(''))
      for (const frame of frames) expect(frame).toMatchObject({ ...head, object: 'chat.completion.chunk' })
    }),
  )
})

test('the first delta alone carries the role, the last alone the reason', () => {
  fc.assert(
    fc.property(fc.array(anyText), (texts) => {
      const writer = new ChunkFrames(head, false)
      const wire =
        texts.map((text) => writer.chunk({ text })).join('') + writer.chunk({ text: '', finishReason: 'length' })
      const { frames } = read(wire + writer.end())
      expect(frames.map((frame) => frame.choices[0]?.delta.role)).toEqual(
        frames.map((_, index) => (index === 0 ? 'assistant' : undefined)),
      )
      expect(frames.map((frame) => frame.choices[0]?.finish_reason)).toEqual(
        frames.map((_, index) => (index === frames.length - 1 ? 'length' : null)),
      )
      for (const frame of frames) expect(frame).not.toHaveProperty('usage')
    }),
  )
})

test('a character that is split over two chunks is sent in one piece', () => {
  const writer = new ChunkFrames(head, false)
  expect(writer.chunk({ text: '\ud83d' })).toBe('')
  expect(writer.chunk({ text: '\ude00' })).toContain('😀')
})

test('usage: null on every frame, then the counts in a frame without choices', () => {
  const writer = new ChunkFrames(head, true)
  const last: CompletionChunk = { text: '', finishReason: 'stop', usage: { promptTokens: 3, completionTokens: 4 } }
  const { frames } = read(writer.chunk({ text: 'hi' }) + writer.chunk(last) + writer.end())
  expect(frames.map((frame) => frame.usage)).toEqual([
    null,
    null,
    { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
  ])
  expect(frames.map((frame) => frame.choices.length)).toEqual([1, 1, 0])
})

test('an answer without text still has a role, a reason and an end', () => {
  const { frames, last } = read(new ChunkFrames(head, false).end())
  expect(frames.map((frame) => frame.choices[0])).toMatchObject([
    { delta: { role: 'assistant', content: '' }, finish_reason: null },
    { delta: {}, finish_reason: 'stop' },
  ])
  expect(last).toBe('[DONE]')
})
