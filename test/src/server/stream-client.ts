import { onTestFinished } from 'vitest'
import { createServer, type ServerOptions } from '../../../src/server/index.ts'
import { type Script, scriptedPipeline } from './scripted-pipeline.ts'

/** What the servers of these tests offer. */
export const models = [{ id: 'm', provider: 'test', models: ['echo'], capabilities: ['chat', 'stream'] }] as const

/** An event as it was read. */
export interface Event {
  readonly id?: number
  readonly type: string
  readonly data: Record<string, unknown>
}

/** A reader of server-sent events, as the standard says, which keeps the id of the last event. */
export class EventReader {
  lastId = ''
  readonly events: Event[] = []
  private rest = ''

  read(text: string): void {
    const blocks = (this.rest + text).split('\n\n')
    this.rest = blocks.pop()!
    for (const block of blocks) {
      const fields = block.split('\n').filter((line) => !line.startsWith(':'))
      if (fields.length === 0) continue
      const event = Object.fromEntries(fields.map((line) => line.split(/: (.*)/s).slice(0, 2))) as Record<
        string,
        string
      >
      if (event['id'] !== undefined) this.lastId = event['id']
      const data = JSON.parse(event['data']!) as Event['data']
      this.events.push({ ...(event['id'] !== undefined && { id: Number(event['id']) }), type: event['event']!, data })
    }
  }

  get outcomes(): readonly Event[] {
    return this.events.filter(({ type }) => type === 'outcome')
  }
}

/** A server, and how its streams are asked for. */
interface StreamServer {
  readonly url: string
  readonly pipeline: ReturnType<typeof scriptedPipeline>
  readonly ask: (body: unknown, headers?: Record<string, string>, signal?: AbortSignal) => Promise<Response>
  readonly resume: (id: string, last?: string | number, method?: string) => Promise<Response>
}

/** Serves what a script answers, until the test is over. */
export async function serve(script: Script, options: Partial<ServerOptions> = {}): Promise<StreamServer> {
  const pipeline = scriptedPipeline(script)
  const server = createServer({ running: pipeline.running, models, ...options })
  const { url } = await server.listen({ port: 0 })
  onTestFinished(() => server.close({ graceMs: 0 }))
  const ask = (body: unknown, headers: Record<string, string> = {}, signal = new AbortController().signal) =>
    fetch(`${url}/v1/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal,
    })
  const resume = (id: string, last?: string | number, method = 'GET') =>
    fetch(`${url}/v1/stream/${id}`, { method, headers: last === undefined ? {} : { 'last-event-id': String(last) } })
  return { url, pipeline, ask, resume }
}

/** All events of a response. */
export async function read(response: Response): Promise<EventReader> {
  const reader = new EventReader()
  reader.read(await response.text())
  return reader
}
