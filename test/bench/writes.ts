/**
 * How many answers of 50 chunks a second one process streams over HTTP, when the chunks come one by one, four at a time
 * or all at once: those that are there together leave in one write.
 */
import { once } from 'node:events'
import { Agent, createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../../operators/index.ts'
import { ChunkFrames } from '../../src/server/chunk-frames.ts'
import { streamedAnswer } from '../../src/server/streamed-answer.ts'
import type { CompletionChunk } from '../../src/workers/index.ts'

const chunks = Array.from({ length: 50 }, (_, number): CompletionChunk => ({ text: `token ${number} ` }))
const callers = 32
const measuredMs = 3_000

const server = createServer((request, response) => {
  const size = Number(request.url?.slice(1))
  async function* batches(): AsyncGenerator<readonly CompletionChunk[]> {
    for (let from = 0; from < chunks.length; from += size) {
      // What a model sends at another time is there at another turn of the event loop.
      if (from > 0) await new Promise((resolve) => setImmediate(resolve))
      yield chunks.slice(from, from + size)
    }
  }
  const frames = new ChunkFrames({ id: 'c', created: 0, model: 'm' }, false)
  const reply = { batches, outcome: new Promise<never>(() => undefined) }
  const begin = (): unknown => response.writeHead(200, { 'content-type': 'text/event-stream' })
  void streamedAnswer(reply, response, {
    frames,
    clock: systemClock,
    heartbeatMs: 15_000,
    begin,
  }).then(() => response.end())
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
const agent = new Agent({ keepAlive: true, maxSockets: callers })

async function read(size: number): Promise<void> {
  const [response] = (await once(get({ port, agent, path: `/${size}` }), 'response')) as [AsyncIterable<Buffer>]
  for await (const _ of response);
}

for (const size of [1, 4, chunks.length]) {
  const until = performance.now() + measuredMs
  let streams = 0
  const caller = async (): Promise<void> => {
    for (; performance.now() < until; streams++) await read(size)
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const rate = Math.round((streams / measuredMs) * 1000)
  console.log(
    `${String(size).padStart(2)} chunks a write   ${rate} streams a second, ${rate * chunks.length} chunks a second`,
  )
}
agent.destroy()
server.close()
