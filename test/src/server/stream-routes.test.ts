import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import fc from 'fast-check'
import { Registry } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { answering, lasting } from './scripted-pipeline.ts'
import { type Event, EventReader, read, serve } from './stream-client.ts'

describe('a prompt request', () => {
  test.each(['x'.repeat(500), 'two words', ''])(
    'is refused where the name in its header cannot be one: %j; one in its body comes first',
    async (header) => {
      const { ask, pipeline } = await serve(answering)
      const refused = await ask({ input: 'x' }, { 'x-request-id': header })
      expect([refused.status, await refused.json()]).toMatchObject([
        400,
        { detail: expect.stringMatching(/header x-request-id must be 1 to 128 visible ASCII characters/) as string },
      ])
      expect(pipeline.requests).toEqual([])
      for (const other of [header, 'other']) {
        const response = await ask({ id: `mine${other.length}`, input: 'x' }, { 'x-request-id': other })
        expect([response.status, response.headers.get('x-request-id')]).toEqual([200, `mine${other.length}`])
        await read(response)
      }
    },
  )

  test('is answered by numbered chunks and one outcome', async () => {
    const { ask, pipeline } = await serve(answering, { deadlineMs: 5000 })
    const response = await ask({ id: 'mine', session: 's', input: 'hello', deadlineMs: 9000 })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(response.headers.get('x-request-id')).toBe('mine')
    const { events, outcomes } = await read(response)
    expect(events.map(({ id, type }) => [id, type])).toEqual([
      [1, 'chunk'],
      [2, 'chunk'],
      [3, 'chunk'],
      [4, 'outcome'],
    ])
    expect(events[2]?.data).toEqual({ text: '!', finishReason: 'stop' })
    expect(outcomes[0]?.data).toMatchObject({ kind: 'completed', chunks: 3, id: 'mine' })
    expect(pipeline.requests).toEqual([{ id: 'mine', session: 's', input: 'hello', deadlineMs: 5000 }])
  })

  test('is answered in whole characters, as they are read without UTF-16', async () => {
    const { ask } = await serve(async function* () {
      yield [{ text: 'a\ud83d' }]
      yield [{ text: '\ude00' }]
      return undefined
    })
    const response = await ask({ input: 'hello' })
    const text = await response.text()
    expect(text).toContain('"text":"😀"')
    expect(text).not.toContain('\\u')
  })

  test('that is turned away is told its status, as a problem, and keeps nothing', async () => {
    const { ask, resume } = await serve(async function* () {
      return { kind: 'shed', stage: 'rag', reason: 'door', retryAfterMs: 1500 }
    })
    const response = await ask({ id: 'mine', input: 'hello' })
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBe('2')
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await response.json()).toMatchObject({ code: 'overloaded' })
    expect((await resume('mine')).status).toBe(404)
  })

  test('that ends badly in mid-stream says so in its outcome', async () => {
    const { ask } = await serve(async function* () {
      yield [{ text: 'half' }]
      return { kind: 'expired', stage: 'inference', reason: 'deadline' }
    })
    const { outcomes } = await read(await ask({ input: 'hello' }))
    expect(outcomes.map(({ data }) => data)).toMatchObject([{ kind: 'expired', error: { status: 504 } }])
  })

  test.each([
    [{ inptu: 'x' }, 400, 'unknown_parameter'],
    [{ input: '' }, 400, 'empty_prompt'],
    [{ input: 'x', model: 'gpt' }, 404, 'model_not_found'],
    [{ input: 'x', parameters: { tools: [{ name: 'search' }] } }, 400, 'unsupported_parameter'],
    [{ input: 'x', parameters: { responseFormat: { type: 'json_schema' } } }, 400, 'unsupported_parameter'],
    [[], 400, 'invalid_type'],
  ])('that is wrong gets a problem, and is not submitted: %j', async (body, status, code) => {
    const { ask, pipeline } = await serve(answering)
    const response = await ask(body)
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await response.json()).toMatchObject({ status, code })
    expect(pipeline.requests).toEqual([])
  })

  test('with an id that is taken gets 409', async () => {
    const { ask } = await serve(lasting)
    await ask({ id: 'mine', input: 'hello' })
    const response = await ask({ id: 'mine', input: 'other' })
    expect(response.status).toBe(409)
    expect(((await response.json()) as { detail: string }).detail).toContain('/v1/stream/mine')
  })

  test('beyond as many streams as are kept gets 503, until one has ended', async () => {
    const { ask, resume } = await serve(lasting, { limits: { replayStreams: 1 } })
    const first = await ask({ id: 'a', input: 'x' })
    const refused = await ask({ id: 'b', input: 'x' })
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({ code: 'too_many_streams' })
    await resume('a', undefined, 'DELETE')
    await first.text()
    expect((await ask({ id: 'b', input: 'x' })).status).toBe(200)
  })
})

describe('a reader that comes back', () => {
  test('reads the whole answer exactly once, wherever its connections are cut', async () => {
    const batches = fc.array(fc.array(fc.string({ maxLength: 30 }), { minLength: 1, maxLength: 4 }), { maxLength: 12 })
    let chunks: readonly (readonly string[])[] = []
    const { ask, url } = await serve(
      async function* () {
        for (const texts of chunks) {
          await new Promise((resolve) => setImmediate(resolve))
          yield texts.map((text) => ({ text }))
        }
        return undefined
      },
      { limits: { replayEvents: 100 } },
    )
    const open = async (id: string, last: string | undefined): Promise<IncomingMessage> => {
      const asking =
        last === undefined
          ? httpRequest(`${url}/v1/stream`, { method: 'POST', headers: { 'content-type': 'application/json' } })
          : httpRequest(`${url}/v1/stream/${id}`, { headers: { 'last-event-id': last } })
      asking.end(last === undefined ? JSON.stringify({ id, input: 'x' }) : undefined)
      const [response] = (await once(asking, 'response')) as [IncomingMessage]
      return response
    }
    /** Reads so many bytes and breaks off; whether that was all. */
    const readUpTo = async (bytes: number, response: IncomingMessage, reader: EventReader): Promise<boolean> => {
      let read = 0
      for await (const part of response as AsyncIterable<Buffer>) {
        reader.read(part.subarray(0, bytes - read).toString('latin1'))
        read += part.length
        if (read >= bytes) return false
      }
      return true
    }
    let number = 0
    await fc.assert(
      fc.asyncProperty(batches, fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 12 }), async (texts, cuts) => {
        // Characters of one byte, so that a cut in bytes cuts none.
        chunks = texts.map((batch) => batch.map((text) => text.replace(/[^ -~]/g, '?')))
        const id = `cut-${++number}`
        const events: Event[] = []
        let last: string | undefined
        for (const bytes of [...cuts, Infinity]) {
          const response = await open(id, last)
          if (response.statusCode === 204) break
          expect(response.statusCode).toBe(200)
          // Each connection has a reader of its own: what had come of an event when one broke is thrown away.
          const reader = new EventReader()
          const whole = await readUpTo(bytes, response, reader)
          events.push(...reader.events)
          last = reader.lastId === '' ? (last ?? '0') : reader.lastId
          if (whole) break
        }
        expect(events.map(({ data }) => (data['text'] as string | undefined) ?? '').join('')).toBe(
          chunks.flat().join(''),
        )
        expect(events.map((event) => event.id)).toEqual(events.map((_, index) => index + 1))
        expect(events.filter(({ type }) => type === 'outcome').length).toBe(1)
      }),
      { numRuns: 200 },
    )
    expect((await ask({ input: 'x' })).status).toBe(200)
  })

  test('is told when what it has missed is gone, was never there, or nothing is left', async () => {
    const { ask, resume } = await serve(
      async function* () {
        for (let number = 1; number <= 10; number++) yield [{ text: `${number}` }]
        return undefined
      },
      { limits: { replayEvents: 3 } },
    )
    await read(await ask({ id: 'mine', input: 'x' }))
    const cases = [
      ['mine', 7, 410, 'replay_window_passed'],
      ['mine', undefined, 410, 'replay_window_passed'],
      ['mine', 12, 400, 'invalid_value'],
      ['mine', 'x', 400, 'invalid_value'],
      ['mine', -1, 400, 'invalid_value'],
      ['other', 1, 404, 'stream_not_found'],
    ] as const
    for (const [id, last, status, code] of cases) {
      const response = await resume(id, last)
      expect([id, last, response.status]).toEqual([id, last, status])
      expect(await response.json()).toMatchObject({ code, status })
    }
    expect((await resume('mine', 11)).status).toBe(204)
    const { events } = await read(await resume('mine', 8))
    expect(events.map(({ id }) => id)).toEqual([9, 10, 11])
  })

  test('takes over from one that is still there, who is told', async () => {
    const { ask, resume, pipeline } = await serve(lasting)
    const first = await ask({ id: 'mine', input: 'x' })
    const second = await resume('mine')
    const { events } = await read(first)
    expect(events.map(({ type }) => type)).toEqual(['chunk', 'superseded'])
    expect(events[1]).toMatchObject({ data: { code: 'superseded', status: 409 } })
    expect(pipeline.replies[0]?.settled).toBeUndefined()
    pipeline.replies[0]!.cancel('enough')
    const rest = await read(second)
    expect(rest.events.map(({ id, type }) => [id, type])).toEqual([
      [1, 'chunk'],
      [2, 'outcome'],
    ])
  })

  test('may look without reading, and cancel', async () => {
    const registry = new Registry()
    const { ask, resume } = await serve(lasting, { registry })
    const first = await ask({ id: 'mine', input: 'x' })
    const head = await resume('mine', undefined, 'HEAD')
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
    expect((await resume('other', undefined, 'HEAD')).status).toBe(404)
    expect((await resume('other', undefined, 'DELETE')).status).toBe(404)
    expect((await resume('mine', undefined, 'DELETE')).status).toBe(204)
    const { outcomes } = await read(first)
    expect(outcomes[0]?.data).toMatchObject({
      kind: 'cancelled',
      reason: 'the client cancelled it',
      error: { status: 499, message: expect.stringContaining('cancelled it') as string },
    })
    const logged = 'http_requests_total{route="/v1/stream",status="499"} 1'
    while (!(await registry.metrics()).includes(logged)) await new Promise((resolve) => setImmediate(resolve))
  })

  test('hears that a stream was deleted, running or over, and its id may be used again', async () => {
    const { ask, resume, pipeline } = await serve(lasting)
    const code = async (response: Response): Promise<unknown> => [
      response.status,
      ((await response.json()) as { code: unknown }).code,
    ]
    const first = await ask({ id: 'mine', input: 'x' })
    expect((await resume('mine', undefined, 'DELETE')).status).toBe(204)
    expect((await read(first)).outcomes.map(({ data }) => data['kind'])).toEqual(['cancelled'])
    expect(await code(await resume('mine'))).toEqual([410, 'stream_deleted'])
    expect((await resume('mine', undefined, 'HEAD')).status).toBe(410)
    expect((await resume('mine', undefined, 'DELETE')).status).toBe(204)
    const second = await ask({ id: 'mine', input: 'x' })
    expect(second.status).toBe(200)
    pipeline.replies[1]!.cancel('enough')
    await read(second)
    expect((await read(await resume('mine'))).outcomes.length).toBe(1)
    expect((await resume('mine', undefined, 'DELETE')).status).toBe(204)
    expect(await code(await resume('mine', 1))).toEqual([410, 'stream_deleted'])
    expect(await code(await resume('never'))).toEqual([404, 'stream_not_found'])
  })

  test('needs the key', async () => {
    const { ask, resume } = await serve(lasting, { apiKey: 'secret' })
    expect((await ask({ id: 'mine', input: 'x' }, { authorization: 'Bearer secret' })).status).toBe(200)
    expect((await resume('mine')).status).toBe(401)
  })

  test('finds only the streams of its own API key, and may choose an id that another has', async () => {
    const { url, pipeline, ask } = await serve(lasting, { apiKey: ['one', 'two'] })
    const key = (name: string) => ({ authorization: `Bearer ${name}` })
    const at = (id: string, name: string, method: string) =>
      fetch(`${url}/v1/stream/${id}`, { method, headers: key(name) })
    const own = await ask({ id: 'mine', input: 'x' }, key('one'))
    expect(own.status).toBe(200)
    const never = (await (await at('none', 'two', 'GET')).text()).replace('none', 'mine')
    for (const method of ['GET', 'HEAD', 'DELETE']) {
      const refused = await at('mine', 'two', method)
      expect([method, refused.status, await refused.text()]).toEqual([method, 404, method === 'HEAD' ? '' : never])
    }
    expect(pipeline.replies[0]!.settled).toBeUndefined()
    const other = await ask({ id: 'mine', input: 'y' }, key('two'))
    expect(other.status).toBe(200)
    expect((await ask({ id: 'mine', input: 'y' }, key('two'))).status).toBe(409)
    expect((await at('mine', 'two', 'DELETE')).status).toBe(204)
    expect(pipeline.replies.map(({ settled }) => settled?.kind)).toEqual([undefined, 'cancelled'])
    expect((await at('mine', 'one', 'HEAD')).status).toBe(200)
    expect((await at('mine', 'one', 'DELETE')).status).toBe(204)
    await Promise.all([own.text(), other.text()])
  })
})
