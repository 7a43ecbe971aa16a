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

/** Puts frames together as a client does: by choice, then by field, then by call. */
function put(frames: readonly Frame[]): unknown {
  const choices: Record<number, Record<string, unknown>> = {}
  for (const { choices: parts } of frames) {
    for (const { index, delta, logprobs } of parts as unknown as WireChoice[]) {
      const choice = (choices[index] ??= {})
      for (const name of ['content', 'reasoning_content', 'refusal'] as const) {
        if (delta[name] !== undefined) choice[name] = ((choice[name] as string | undefined) ?? '') + delta[name]
      }
      for (const call of delta.tool_calls ?? []) {
        const calls = (choice['calls'] ??= {}) as Record<number, { id?: string; name?: string; arguments: string }>
        const known = (calls[call.index] ??= { arguments: '' })
        if (call.id !== undefined) known.id = call.id
        if (call.function.name !== undefined) known.name = call.function.name
        known.arguments += call.function.arguments
      }
      for (const { token } of logprobs?.content ?? [])
        choice['tokens'] = ((choice['tokens'] as string | undefined) ?? '') + token
    }
  }
  return choices
}

interface WireChoice {
  readonly index: number
  readonly delta: {
    readonly content?: string
    readonly reasoning_content?: string
    readonly refusal?: string
    readonly tool_calls?: readonly { index: number; id?: string; function: { name?: string; arguments: string } }[]
  }
  readonly logprobs?: { readonly content: readonly { token: string }[] | null } | null
}

const anyChunk: fc.Arbitrary<CompletionChunk> = fc.record(
  {
    text: anyText,
    choice: fc.integer({ min: 0, max: 3 }),
    reasoning: anyText,
    refusal: anyText,
    toolCalls: fc.array(fc.record({ index: fc.integer({ min: 0, max: 2 }), arguments: anyText }), { maxLength: 3 }),
    logprobs: fc.array(
      fc.record({
        token: fc.constantFrom('a', ' b', 'c'),
        logprob: fc.constant(-1),
        bytes: fc.constant(null),
        topLogprobs: fc.constant([]),
      }),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: ['text'] },
)

test('every part of every choice arrives whole, however they interleave', () => {
  fc.assert(
    fc.property(fc.array(anyChunk, { maxLength: 12 }), (chunks) => {
      const expected: Record<number, Record<string, unknown>> = { 0: {} }
      const add = (choice: Record<string, unknown>, name: string, piece: string | undefined): void => {
        if (piece !== undefined && piece !== '') choice[name] = ((choice[name] as string | undefined) ?? '') + piece
      }
      for (const { choice: index = 0, text, reasoning, refusal, toolCalls = [], logprobs = [] } of chunks) {
        const choice = (expected[index] ??= {})
        add(choice, 'content', text)
        add(choice, 'reasoning_content', reasoning)
        add(choice, 'refusal', refusal)
        for (const call of toolCalls) {
          const calls = (choice['calls'] ??= {}) as Record<number, { arguments: string }>
          ;(calls[call.index] ??= { arguments: '' }).arguments += call.arguments
        }
        for (const { token } of logprobs) add(choice, 'tokens', token)
      }
      // Nothing but a role and an end: an empty text is sent for the role to stand beside.
      for (const choice of Object.values(expected)) if (Object.keys(choice).length === 0) choice['content'] = ''
      const writer = new ChunkFrames(head, false)
      const { frames } = read(chunks.map((chunk) => writer.chunk(chunk)).join('') + writer.end())
      const got = put(frames) as Record<number, Record<string, unknown>>
      for (const choice of Object.values(got))
        if (Object.keys(choice).length > 1 && choice['content'] === '') delete choice['content']
      for (const choice of Object.values(expected))
        if (Object.keys(choice).length > 1 && choice['content'] === '') delete choice['content']
      expect(got).toEqual(expected)
    }),
  )
})

test('probabilities of no token are nothing to send', () => {
  const writer = new ChunkFrames(head, false)
  expect(writer.chunk({ text: '', logprobs: [], refusalLogprobs: [] })).toBe('')
  expect(put(read(writer.end()).frames)).toEqual({ 0: { content: '' } })
})

test('each choice begins with its role and ends with its own reason', () => {
  const writer = new ChunkFrames(head, false)
  const wire = [
    { text: 'a' },
    { text: 'b', choice: 1 },
    { text: '', finishReason: 'length' as const },
    { text: '', choice: 1, toolCalls: [{ index: 0, id: 'c', name: 'look', arguments: '{}' }] },
    { text: '', choice: 1, finishReason: 'tool_calls' as const },
  ].map((chunk) => writer.chunk(chunk))
  const { frames } = read(wire.join('') + writer.end())
  const of = (index: number): unknown[] =>
    frames.flatMap(({ choices }) => (choices as unknown as WireChoice[]).filter((choice) => choice.index === index))
  expect(of(0)).toEqual([
    { index: 0, delta: { role: 'assistant', content: 'a' }, finish_reason: null },
    { index: 0, delta: {}, finish_reason: 'length' },
  ])
  expect(of(1)).toEqual([
    { index: 1, delta: { role: 'assistant', content: 'b' }, finish_reason: null },
    {
      index: 1,
      delta: { tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'look', arguments: '{}' } }] },
      finish_reason: null,
    },
    { index: 1, delta: {}, finish_reason: 'tool_calls' },
  ])
})

test('where the model does not count there is no usage, though it is wanted', () => {
  const writer = new ChunkFrames(head, true)
  const { frames } = read(writer.chunk({ text: 'hi', finishReason: 'stop' }) + writer.end())
  expect(frames.map((frame) => frame.usage)).toEqual([null, null])
})

test('what is known of cached and reasoning tokens is told', () => {
  const writer = new ChunkFrames(head, true)
  const usage = { promptTokens: 3, completionTokens: 4, cachedTokens: 2, reasoningTokens: 1 }
  const { frames } = read(writer.chunk({ text: 'hi', usage }) + writer.end())
  expect(frames.at(-1)?.usage).toMatchObject({
    prompt_tokens_details: { cached_tokens: 2 },
    completion_tokens_details: { reasoning_tokens: 1 },
  })
})

test('an answer without text still has a role, a reason and an end', () => {
  const { frames, last } = read(new ChunkFrames(head, false).end())
  expect(frames.map((frame) => frame.choices[0])).toMatchObject([
    { delta: { role: 'assistant', content: '' }, finish_reason: null },
    { delta: {}, finish_reason: 'stop' },
  ])
  expect(last).toBe('[DONE]')
})
