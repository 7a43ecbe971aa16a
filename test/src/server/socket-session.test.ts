import { afterEach, describe, expect, test } from 'vitest'
import { type Logger, silentLogger } from '../../../src/logger.ts'
import { createServer, type ServerOptions } from '../../../src/server/index.ts'
import { lasting, type Script, scriptedPipeline, unspeakable } from './scripted-pipeline.ts'
import { Client } from './socket-client.ts'

const models = [{ id: 'm', provider: 'test', models: ['echo'], capabilities: ['chat', 'stream'] }] as const

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function serve(script: Script, options: Partial<ServerOptions> = {}) {
  const pipeline = scriptedPipeline(script)
  const server = createServer({ running: pipeline.running, models, ...options })
  const { url } = await server.listen({ port: 0 })
  closing.push(() => server.close({ graceMs: 0 }))
  return { server, pipeline, socketUrl: `${url.replace('http', 'ws')}/v1/stream` }
}

describe('an answer', () => {
  test('of which much is there together comes in messages of a bounded size, whole and in its order', async () => {
    const texts = Array.from({ length: 500 }, (_, index) => `${index} ${'é'.repeat(index)}`)
    const { socketUrl } = await serve(async function* () {
      yield texts.map((text) => ({ text }))
      yield [{ text: 'x'.repeat(200_000) }]
      return undefined
    })
    const client = await Client.open(socketUrl)
    const sizes: number[] = []
    client.socket.on('message', (data: Buffer) => sizes.push(data.length))
    client.submit('a')
    expect(await client.frame('outcome', 'a')).toMatchObject({ outcome: { kind: 'completed', chunks: 501 } })
    const chunks = client.frames.flatMap((frame) => (frame['chunks'] ?? []) as { text: string }[])
    expect(chunks.map(({ text }) => text)).toEqual([...texts, 'x'.repeat(200_000)])
    // A quarter of a megabyte, the one chunk that is longer than a message, and the outcome.
    expect(sizes.map((size) => size <= 66_000)).toEqual([true, true, true, true, false, true])
  })

  test('that cannot be put into frames has failed, is logged, and others go on', async () => {
    const faults: unknown[] = []
    const logger = { ...silentLogger, error: (fields: unknown) => faults.push(fields) } as Logger
    const { socketUrl, pipeline } = await serve(
      async function* ({ input }, cancelled) {
        yield [{ text: 'hi' }]
        if (input === 'bad') yield [unspeakable]
        await cancelled
        return undefined
      },
      { logger },
    )
    const client = await Client.open(socketUrl)
    client.submit('a')
    client.submit('b', { input: 'bad' })
    const { outcome } = await client.frame('outcome', 'b')
    expect(outcome).toMatchObject({ kind: 'failed', error: { status: 500, code: 'internal_error' } })
    expect(faults).toMatchObject([{ error: 'TypeError' }])
    expect(pipeline.replies.map(({ settled }) => settled?.kind)).toEqual([undefined, 'cancelled'])
    client.say({ type: 'cancel', id: 'a' })
    expect(await client.frame('outcome', 'a')).toMatchObject({ outcome: { kind: 'cancelled' } })
  })
})

describe('the server closes a connection, and first tells the outcome of what runs on it,', () => {
  const outcomes = (client: Client): unknown[] =>
    client.frames.filter(({ type }) => type === 'outcome').map(({ id, outcome }) => [id, outcome])
  const cancelled = (because: string): unknown => ({
    kind: 'cancelled',
    error: { message: expect.stringContaining(because) as string },
  })

  test('with 1008 where its client says too much', async () => {
    const { socketUrl } = await serve(lasting, { limits: { socketMessagesPerSecond: 10 } })
    const client = await Client.open(socketUrl)
    for (const id of ['a', 'b']) client.submit(id)
    for (const id of ['a', 'b']) await client.frame('chunks', id)
    for (let count = 0; count < 10; count++) client.say({ type: 'cancel', id: 'none' })
    expect(await client.closed).toMatchObject({ code: 1008 })
    const told = cancelled('socketMessagesPerSecond of 10')
    expect(outcomes(client)).toMatchObject([
      ['a', told],
      ['b', told],
    ])
  })

  test.each<[number, string, string, (client: Client) => void]>([
    [
      1009,
      'sends too large a message',
      'a message is larger than the limit socketMessageBytes of 1000 bytes',
      (client) => client.say('x'.repeat(1001)),
    ],
    [
      1009,
      'sends too large a message in fragments',
      'a message is larger than the limit socketMessageBytes of 1000 bytes',
      ({ socket }) => {
        socket.send('x'.repeat(600), { fin: false })
        socket.send('x'.repeat(600))
      },
    ],
    [
      1007,
      'sends text that is not UTF-8',
      'a message is not valid UTF-8',
      ({ socket }) => socket.send(Buffer.from([0xff]), { binary: false }),
    ],
    [1002, 'breaks the protocol', 'a frame is not valid', ({ socket }) => socket.send('x', { mask: false })],
  ])('with %i where its client %s', async (code, _what, reason, act) => {
    const lines: object[] = []
    const logger = { ...silentLogger, info: (fields: object) => lines.push(fields) } as Logger
    const { socketUrl } = await serve(lasting, { limits: { socketMessageBytes: 1000 }, logger })
    const client = await Client.open(socketUrl)
    for (const id of ['a', 'b']) client.submit(id)
    for (const id of ['a', 'b']) await client.frame('chunks', id)
    act(client)
    expect(await client.closed).toEqual({ code, reason })
    expect(outcomes(client)).toMatchObject([
      ['a', cancelled(reason)],
      ['b', cancelled(reason)],
    ])
    expect(lines.filter((line) => 'outcome' in line)).toMatchObject([{ status: 499 }, { status: 499 }])
  })

  test('with 1011 where the server fails, which is logged', async () => {
    const faults: unknown[] = []
    const logger = { ...silentLogger, error: (fields: unknown) => faults.push(fields) } as Logger
    const { socketUrl, pipeline } = await serve(lasting, { logger })
    const client = await Client.open(socketUrl)
    client.submit('a')
    await client.frame('chunks', 'a')
    pipeline.running.submit = () => {
      throw new TypeError('with a secret')
    }
    client.submit('b')
    expect(await client.closed).toEqual({ code: 1011, reason: 'the server failed' })
    expect(outcomes(client)).toMatchObject([['a', cancelled('the server failed')]])
    expect(faults).toMatchObject([{ error: 'TypeError' }])
  })

  test('with 1011 where the pipeline has failed, once nothing runs there, and any that is opened then', async () => {
    const { socketUrl, pipeline } = await serve(lasting)
    const client = await Client.open(socketUrl)
    client.submit('a')
    await client.frame('chunks', 'a')
    pipeline.state = 'failed'
    pipeline.replies[0]!.cancel('it is down')
    expect(await client.closed).toEqual({ code: 1011, reason: 'the pipeline has failed' })
    expect(outcomes(client)).toMatchObject([['a', cancelled('it is down')]])
    expect((await (await Client.open(socketUrl)).closed).code).toBe(1011)
  })

  test('with 1013 where it is opened while the pipeline drains', async () => {
    const { socketUrl, pipeline } = await serve(lasting)
    pipeline.state = 'draining'
    const client = await Client.open(socketUrl)
    expect(await client.closed).toEqual({ code: 1013, reason: 'the server is shutting down; try again later' })
  })

  test('with 1001 where the server is closed', async () => {
    const { socketUrl, server } = await serve(lasting)
    const client = await Client.open(socketUrl)
    client.submit('a')
    await client.frame('chunks', 'a')
    const closed = server.close()
    expect(await client.closed).toEqual({ code: 1001, reason: 'the server is shutting down' })
    expect(outcomes(client)).toMatchObject([['a', cancelled('the server is shutting down')]])
    await closed
  })
})
