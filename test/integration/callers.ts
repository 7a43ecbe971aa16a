import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { onTestFinished } from 'vitest'
import { Client, type Frame, until } from '../src/server/socket-client.ts'
import { EventReader } from '../src/server/stream-client.ts'

/** An answer, or what has come of it, as its client reads it. */
interface Read {
  readonly text: string
  /** The last that was said of it. */
  readonly last: unknown
  /** Whether the client takes it for a whole answer. */
  readonly whole: boolean
}

/** An answer that is being read. */
interface Reading {
  /** Resolves when so much of the answer's text has come. */
  heard(text: string): Promise<void>
  /** Reads on to the end; rejects when the connection is cut before it. */
  end(): Promise<Read>
}

/** A client that has one connection. */
export interface Caller {
  /** @param reads `false`: it reads nothing until it is asked for the end. */
  ask(question: string, reads?: boolean): Reading
  /** How many connections it has needed. */
  connections(): number
}

/** Makes clients of a server, by the route that they take; gone when their test is over. */
export const callers: Readonly<Record<'chat' | 'events' | 'socket', (url: string) => Promise<Caller>>> = {
  chat: (url) =>
    httpCaller(`${url}/v1/chat/completions`, {
      bodyOf: (content) => ({ messages: [{ role: 'user', content }], stream: true }),
      read: readCompletion,
    }),
  events: (url) => httpCaller(`${url}/v1/stream`, { bodyOf: (input) => ({ input }), read: readEvents }),
  socket: socketCaller,
}

/** A route that answers by server-sent events. */
interface Route {
  bodyOf(question: string): object
  read(received: string): Read
}

function httpCaller(url: string, { bodyOf, read }: Route): Promise<Caller> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => {
    agent.destroy()
  })
  let connections = 0
  const ask = (question: string, reads = true): Reading => {
    const headers = { 'content-type': 'application/json' }
    const request = httpRequest(url, { method: 'POST', agent, headers })
    request.end(JSON.stringify(bodyOf(question)))
    let received = ''
    const receive = (response: IncomingMessage): void => {
      response.setEncoding('utf8').on('data', (piece: string) => (received += piece))
    }
    const answered = once(request, 'response').then(([response]) => {
      if (!request.reusedSocket) connections += 1
      if (reads) receive(response as IncomingMessage)
      return response as IncomingMessage
    })
    // Listens from the beginning, so that no end is missed.
    const ended = answered.then((response) => once(response, 'end'))
    ended.catch(() => undefined)
    return {
      heard: (text) => until(() => read(received).text.includes(text)),
      end: async () => {
        if (!reads) receive(await answered)
        await ended
        return read(received)
      },
    }
  }
  return Promise.resolve({ ask, connections: () => connections })
}

function readCompletion(received: string): Read {
  const whole = received.includes('data: [DONE]\n\n')
  const frames = received
    .replace('data: [DONE]\n\n', '')
    .split('\n\n')
    .slice(0, -1)
    .map((frame) => JSON.parse(frame.slice('data: '.length)) as { choices?: { delta: { content?: string } }[] })
  const text = frames.map(({ choices }) => choices?.[0]?.delta.content ?? '').join('')
  return { text, last: frames.at(-1), whole }
}

function readEvents(received: string): Read {
  const reader = new EventReader()
  reader.read(received)
  const data = reader.events.map((event) => event.data)
  const text = data.map((chunk) => (chunk['text'] as string | undefined) ?? '').join('')
  return { text, last: data.at(-1), whole: data.at(-1)?.['kind'] === 'completed' }
}

async function socketCaller(url: string): Promise<Caller> {
  const client = await Client.open(`${url.replace('http', 'ws')}/v1/stream`)
  const closed = client.closed.then(({ code, reason }) => {
    throw new Error(`the connection was closed: ${code} ${reason}`)
  })
  closed.catch(() => undefined)
  const read = (id: string): Read => {
    const frames = client.frames.filter((frame) => frame.id === id)
    const outcome = frames.at(-1)?.['outcome'] as { readonly kind: string } | undefined
    return { text: frames.map(textOf).join(''), last: outcome, whole: outcome?.kind === 'completed' }
  }
  let asked = 0
  const ask = (question: string, reads = true): Reading => {
    const id = `q${++asked}`
    client.submit(id, { input: question })
    if (!reads) client.socket.pause()
    return {
      heard: (text) => until(() => read(id).text.includes(text)),
      end: async () => {
        client.socket.resume()
        await Promise.race([client.frame('outcome', id), closed])
        return read(id)
      },
    }
  }
  return { ask, connections: () => 1 }
}

function textOf(frame: Frame): string {
  const chunks = (frame['chunks'] ?? []) as readonly { readonly text: string }[]
  return chunks.map(({ text }) => text).join('')
}
