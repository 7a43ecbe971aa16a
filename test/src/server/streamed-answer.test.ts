import { EventEmitter, once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { expect, test } from 'vitest'
import { systemClock } from '../../../operators/index.ts'
import { ChunkFrames } from '../../../src/server/chunk-frames.ts'
import { writeBytes } from '../../../src/server/joined.ts'
import { streamedAnswer } from '../../../src/server/streamed-answer.ts'
import { VirtualClock } from '../../../src/testing/index.ts'
import { type Script, scriptedPipeline } from './scripted-pipeline.ts'

/** A response that notes what is written and is full when it is told to be. */
class NotedResponse extends EventEmitter {
  readonly writes: string[] = []
  destroyed = false
  writableNeedDrain = false

  write(text: string): boolean {
    this.writes.push(text)
    return !this.writableNeedDrain
  }
}

const heartbeatMs = 15_000
const comment = ': still here\n\n'

function streaming(script: Script) {
  const clock = new VirtualClock()
  const response = new NotedResponse()
  const reply = scriptedPipeline(script).running.submit({ input: 'x' })
  const frames = new ChunkFrames({ id: 'c', created: 0, model: 'm' }, false)
  let begun = 0
  const begin = (): void => {
    begun++
  }
  const done = streamedAnswer(reply, response as unknown as ServerResponse, {
    frames,
    clock,
    heartbeatMs,
    begin,
  })
  return { clock, response, reply, done, begun: () => begun }
}

/** A promise and what resolves it. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

test('chunks that are there together go out in one write, and begin comes once', async () => {
  const { response, done, begun } = streaming(async function* () {
    yield [{ text: '' }]
    yield [{ text: 'a' }, { text: 'b' }, { text: 'c' }]
    yield [{ text: 'd' }]
    return undefined
  })
  await done
  expect(response.writes.map((write) => write.split('\n\n').length - 1)).toEqual([3, 1, 2])
  expect(begun()).toBe(1)
})

test('an answer of which much is there together goes out in writes of a bounded size, whole and in order, each when the one before is taken', async () => {
  const texts = Array.from({ length: 400 }, (_, index) => `${index} ${'é'.repeat(index)}`)
  const { response, done } = streaming(async function* () {
    yield texts.map((text) => ({ text }))
    yield [{ text: 'x'.repeat(200_000) }]
    return undefined
  })
  response.writableNeedDrain = true
  await until(() => response.writes.length === 1)
  await new Promise((resolve) => setImmediate(resolve))
  expect(response.writes.length).toBe(1)
  response.writableNeedDrain = false
  response.emit('drain')
  await done
  const frames = response.writes.join('').trim().split('\n\n')
  const told = frames.map((frame) => (frame.startsWith('data: {') ? frame.slice('data: '.length) : undefined))
  const said = told.flatMap((json) =>
    json === undefined
      ? []
      : ((JSON.parse(json) as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content ?? []),
  )
  expect(said).toEqual([...texts, 'x'.repeat(200_000)])
  const large = response.writes.filter((write) => Buffer.byteLength(write) > writeBytes)
  expect(large.map((write) => write.split('\n\n').length - 1)).toEqual([1])
})

test('chunks that are there together leave the socket in one write', async () => {
  const writes: number[] = []
  const server = createServer((_request, response) => {
    const script: Script = async function* () {
      for (const size of [3, 1, 50]) {
        yield Array.from({ length: size }, () => ({ text: 'token ' }))
        await new Promise((resolve) => setImmediate(resolve))
      }
      return undefined
    }
    const reply = scriptedPipeline(script).running.submit({ input: 'x' })
    const frames = new ChunkFrames({ id: 'c', created: 0, model: 'm' }, false)
    const begin = (): unknown => response.writeHead(200, { 'content-type': 'text/event-stream' })
    void streamedAnswer(reply, response, {
      frames,
      clock: systemClock,
      heartbeatMs,
      begin,
    }).then(() => response.end())
  })
  // What the socket hands to the system: one call for each write, however many pieces it has.
  server.on('connection', (socket: Socket) => {
    const count = (text: string): void => {
      const frames = text.split('data: ').length - 1
      if (frames > 0) writes.push(frames)
    }
    const [one, many] = [socket._write.bind(socket), socket._writev!.bind(socket)]
    socket._write = (piece: Buffer | string, encoding, done) => {
      count(piece.toString())
      one(piece, encoding, done)
    }
    socket._writev = (pieces, done) => {
      count(pieces.map(({ chunk }) => String(chunk)).join(''))
      many(pieces, done)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await response.text()
  server.close()
  expect(writes).toEqual([3, 1, 50, 2])
})

test('a comment goes out after each silence, but not before the first chunk and not after the last', async () => {
  const [first, second, last] = [gate(), gate(), gate()]
  const { clock, response, done } = streaming(async function* () {
    await first.opened
    yield [{ text: 'a' }]
    await second.opened
    yield [{ text: 'b' }]
    await last.opened
    return undefined
  })
  await clock.advance(10 * heartbeatMs)
  expect(response.writes).toEqual([])
  first.open()
  await until(() => response.writes.length === 1)
  await clock.advance(heartbeatMs - 1)
  expect(response.writes.length).toBe(1)
  await clock.advance(1)
  expect(response.writes.slice(1)).toEqual([comment])
  await clock.advance(2 * heartbeatMs)
  expect(response.writes.slice(1)).toEqual([comment, comment, comment])
  await clock.advance(heartbeatMs - 1)
  second.open()
  await until(() => response.writes.length === 5)
  await clock.advance(heartbeatMs - 1)
  expect(response.writes.length).toBe(5)
  last.open()
  await done
  await clock.advance(10 * heartbeatMs)
  expect(response.writes.filter((write) => write === comment).length).toBe(3)
})

test('the next batch is asked for when the client has taken the last one', async () => {
  let asked = 0
  const { clock, response, done } = streaming(async function* () {
    for (; asked < 3; asked++) yield [{ text: `t${asked}` }]
    return undefined
  })
  response.writableNeedDrain = true
  await until(() => response.writes.length === 1)
  await clock.advance(3 * heartbeatMs)
  expect(response.writes.length).toBe(1)
  expect(asked).toBe(0)
  response.writableNeedDrain = false
  response.emit('drain')
  await done
  expect(asked).toBe(3)
  expect(response.listenerCount('drain') + response.listenerCount('close')).toBe(0)
})

test('a request that is ended while its client does not read is heard of at once', async () => {
  const { response, reply, done } = streaming(async function* () {
    for (;;) yield [{ text: 'x' }]
  })
  response.writableNeedDrain = true
  await until(() => response.writes.length === 1)
  reply.cancel('stalled')
  await expect(done).rejects.toThrow()
  expect(reply.settled).toMatchObject({ kind: 'cancelled', reason: 'stalled' })
  expect(response.listenerCount('drain') + response.listenerCount('close')).toBe(0)
})
