import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { residentMb } from '../fixtures/process-memory.ts'
import { startSpillway } from './spillway-process.ts'

/** How a long answer is read. */
export interface SlowReaderOptions {
  /** How much the model could send. */
  readonly possibleMb: number
  /** Bytes a second that the client takes, in ten sips a second. */
  readonly bytesPerSecond: number
  /** How long it takes them. */
  readonly durationMs: number
  /** Whether it then reads the rest as fast as it can. */
  readonly readRest: boolean
}

/** What a slow reader made of it. */
export interface SlowReaderReport {
  /** Bytes that the client took while it was slow. */
  readonly taken: number
  /** Bytes that had left the model's socket by then, of those it could have sent. */
  readonly sent: number
  readonly possible: number
  /** When the last of them left, since the request was made. */
  readonly stoodStillAfterMs: number
  /** Resident memory of the server: before, when the model's socket had come to stand, and in the end. */
  readonly beforeMb: number
  readonly standingMb: number
  readonly endMb: number
  /** Whether the rest came, to its `[DONE]`. */
  readonly complete: boolean
}

const chunkText = 'x'.repeat(1_000)

/** A model on loopback that sends as fast as its socket takes it. */
async function startModel(possibleMb: number) {
  const frame = `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 0, model: 'm', choices: [{ index: 0, delta: { content: chunkText }, finish_reason: null }] })}\n\n`
  const chunks = Math.round((possibleMb * 1e6) / frame.length)
  let socket: Socket | undefined
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/models') === true) {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ object: 'list', data: [{ id: 'm', object: 'model' }] }))
      return
    }
    socket = request.socket
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const send = async (): Promise<void> => {
      for (let sent = 0; sent < chunks; sent++) {
        if (!response.write(frame)) await once(response, 'drain', { signal: gone.signal })
      }
      response.end('data: [DONE]\n\n')
    }
    const gone = new AbortController()
    response.on('close', () => {
      gone.abort()
    })
    send().catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    possible: frame.length * chunks,
    sent: (): number => (socket === undefined ? 0 : socket.bytesWritten - socket.writableLength),
    close(): void {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Puts `spillway serve` between a model that could send a lot and a client that takes little of it. */
export async function measureSlowReader(options: SlowReaderOptions): Promise<SlowReaderReport> {
  const model = await startModel(options.possibleMb)
  const spillway = await startSpillway(['--no-docs', '--log-level', 'error'], { OPENAI_BASE_URL: model.baseUrl })
  const { hostname, port } = new URL(spillway.url)
  const socket = connect(Number(port), hostname)
  try {
    await once(socket, 'connect')
    const pid = spillway.child.pid!
    const beforeMb = residentMb(pid)
    let [standingMb, taken, sent] = [beforeMb, 0, 0]
    const startedAt = performance.now()
    let lastSentAt = startedAt
    const body = JSON.stringify({ stream: true, messages: [{ role: 'user', content: 'Tell me all.' }] })
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    while (performance.now() - startedAt < options.durationMs) {
      const sip = socket.read(options.bytesPerSecond / 10) as Buffer | null
      taken += sip?.length ?? 0
      const now = model.sent()
      if (now !== sent) {
        lastSentAt = performance.now()
        standingMb = residentMb(pid)
      }
      sent = now
      await delay(100)
    }
    const endMb = residentMb(pid)
    const complete = options.readRest && (await readsToTheEnd(socket))
    return {
      taken,
      sent,
      possible: model.possible,
      stoodStillAfterMs: Math.round(lastSentAt - startedAt),
      beforeMb,
      standingMb,
      endMb,
      complete,
    }
  } finally {
    socket.destroy()
    await spillway.stop()
    model.close()
  }
}

async function readsToTheEnd(socket: Socket): Promise<boolean> {
  let tail = ''
  for await (const part of socket as AsyncIterable<Buffer>) tail = (tail + part.subarray(-64).toString()).slice(-64)
  return tail.includes('data: [DONE]')
}
