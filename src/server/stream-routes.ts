import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { show } from '../../operators/index.ts'
import { accepted, type Checked, refused } from './checked.ts'
import { beginEventStream, eventStreamHeaders } from './event-stream.ts'
import { jsonOf } from './json-request.ts'
import type { KeptStream } from './kept-stream.ts'
import { KeptStreams } from './kept-streams.ts'
import { refusalOf } from './outcome-refusal.ts'
import { PacedWriter } from './paced-writer.ts'
import { checkPromptRequest } from './prompt-body.ts'
import { badInput, problem, type Refusal } from './refusal.ts'
import type { ServerContext } from './server-context.ts'

/** What the native routes hold beyond a request. */
export interface StreamRoutes {
  /** Forgets the streams that are kept for readers that might come back. */
  close(): void
}

type Named = FastifyRequest<{ Params: { id: string } }>

/**
 * Adds the native routes: `POST /v1/stream` asks and streams the answer as numbered events, `GET /v1/stream/:id` goes
 * on after the event that `last-event-id` names, `DELETE /v1/stream/:id` cancels, and ends the replay.
 */
export function addStreamRoutes(app: FastifyInstance, context: ServerContext): StreamRoutes {
  const { running, models, clock, limits, deadlineMs, heartbeatMs, exchangeOf, callerOf, refuse, reportFault } = context
  const streams = new KeptStreams({
    streams: limits.replayStreams,
    events: limits.replayEvents,
    bytes: limits.replayBytes,
    resumeMs: limits.resumeMs,
    clock,
  })

  app.post('/v1/stream', async (request, reply) => {
    const exchange = exchangeOf(request)
    const body = jsonOf(request, reply, limits.jsonDepth)
    if (!body.ok) return refuse(reply, body.refusal)
    const checked = checkPromptRequest(body.value, { models, promptChars: limits.promptChars, deadlineMs })
    if (!checked.ok) return refuse(reply, checked.refusal)
    const { value: prompt } = checked
    const named = request.headers['x-request-id']
    // The body comes first: a proxy may have set the header.
    if (prompt.id !== undefined) exchange.id = prompt.id
    else if (named !== undefined && named !== exchange.id) return refuse(reply, unusableName(named))
    void reply.header('x-request-id', exchange.id)
    const { id } = exchange
    const name = nameOf(request, id)
    if (streams.get(name) !== undefined) return refuse(reply, taken(id))
    if (!streams.makeRoom()) return refuse(reply, tooManyStreams(limits.replayStreams))
    if (reply.raw.destroyed) return reply.hijack()
    if (prompt.session !== undefined) exchange.session = prompt.session
    // A client that does not know the id, because it has not heard it yet, cannot come back.
    const known = prompt.id !== undefined || named === id
    const stream = streams.add(name, running.submit({ ...prompt, id }), (error) => reportFault(request, error))
    return send(reply, stream, { name, after: 0, known, late: true })
  })

  app.route<{ Params: { id: string } }>({
    method: 'GET',
    url: '/v1/stream/:id',
    exposeHeadRoute: false,
    handler: (request, reply) => {
      const found = find(request)
      if (!found.ok) return refuse(reply, found.refusal)
      const { stream, name, after } = found.value
      // What tells an EventSource to stop: it has the outcome, and its connection was closed after it.
      if (stream.ended && after === stream.last) return reply.code(204).send()
      return send(reply, stream, { name, after, known: true, late: false })
    },
  })

  app.head<{ Params: { id: string } }>('/v1/stream/:id', (request, reply) => {
    const found = find(request)
    return found.ok ? reply.headers(eventStreamHeaders).send() : refuse(reply, found.refusal)
  })

  app.delete<{ Params: { id: string } }>('/v1/stream/:id', (request, reply) => {
    const { id } = request.params
    return streams.delete(nameOf(request, id)) ? reply.code(204).send() : refuse(reply, unknownStream(id))
  })

  /** What a stream is kept as: clients choose the ids, and the holder of one API key hears nothing of another's. */
  function nameOf(request: FastifyRequest, id: string): string {
    return `${callerOf(request)} ${id}`
  }

  /** The stream that a request names and the event after which it wants to read on. */
  function find(request: Named): Checked<Found> {
    const { id } = request.params
    const name = nameOf(request, id)
    const stream = streams.get(name)
    if (stream === undefined) return refused(streams.wasDeleted(name) ? deletedStream(id) : unknownStream(id))
    const given = request.headers['last-event-id'] ?? ''
    const after = given === '' ? 0 : Number(given)
    if (typeof given !== 'string' || !/^\d{0,15}$/.test(given) || after > stream.last) {
      const message = `the header last-event-id must be the number of an event that was sent, at most ${stream.last}, got ${show(given)}`
      return refused(badInput('last-event-id', message))
    }
    if (after < stream.first - 1) return refused(gone(after, stream.first))
    return accepted({ stream, name, after })
  }

  /** Gives a reader the events after one, as fast as it takes them, until the outcome or until it has gone. */
  async function send(reply: FastifyReply, stream: KeptStream, reading: Reading): Promise<FastifyReply> {
    const { name, known, late } = reading
    const response = reply.raw
    const begin = (): void => {
      beginEventStream(reply, running)
    }
    const writer = new PacedWriter(response, { clock, heartbeatMs, begin })
    let { after } = reading
    let over = false
    const isOver = (): boolean => over
    const reader = {
      superseded: (): void => {
        over = true
        writer.stop()
        if (response.headersSent) response.end(`event: superseded\ndata: ${JSON.stringify(problem(superseded))}\n\n`)
        else refuse(reply, superseded)
      },
    }
    response.once('close', () => {
      over = true
      writer.stop()
      if (known || response.headersSent) streams.detach(name, reader)
      else streams.forget(name, stream)
    })
    streams.attach(name, reader)
    if (late) writer.watch()
    else {
      writer.begin()
      response.flushHeaders()
    }
    while (!isOver()) {
      const { text, last } = stream.after(after)
      if (text !== '') {
        const refusal = response.headersSent ? undefined : refusalInPlaceOf(stream)
        if (refusal !== undefined) {
          exchangeOf(reply.request).answer = stream.reply
          streams.forget(name, stream)
          writer.stop()
          return refuse(reply, refusal)
        }
        after = last
        await writer.write(text)
      } else if (stream.ended) {
        // From here on the log knows the outcome, and the client that leaves leaves nothing to cancel.
        exchangeOf(reply.request).answer = stream.reply
        writer.stop()
        response.end()
        return reply
      } else await stream.more()
    }
    return reply
  }

  return {
    close() {
      streams.close()
    },
  }
}

/** A stream that a request may read on. */
interface Found {
  readonly stream: KeptStream
  readonly name: string
  readonly after: number
}

/** A reader of a stream. */
interface Reading {
  /** What the stream is kept as. */
  readonly name: string
  /** The number of the last event that it has. */
  readonly after: number
  /** It can come back: it knows the id. */
  readonly known: boolean
  /** Its headers wait for the first event, or for as long as a heartbeat. */
  readonly late: boolean
}

/** What is said instead of a stream that is nothing but a bad end; one that was deleted has ended as it was told to. */
function refusalInPlaceOf({ ended, last, deleted, fault, reply: { settled } }: KeptStream): Refusal | undefined {
  if (!ended || last !== 1 || deleted) return undefined
  if (fault !== undefined) return fault
  if (settled === undefined || settled.kind === 'completed') return undefined
  return refusalOf(settled)
}

const superseded = badInput(null, 'another reader has taken over the stream', 'superseded', 409)

/** Under another name its client would not find the stream again. */
function unusableName(named: unknown): Refusal {
  const message = `the header x-request-id must be 1 to 128 visible ASCII characters here, got ${show(named)}`
  return badInput('x-request-id', message)
}

function taken(id: string): Refusal {
  const message = `the id ${show(id)} is taken; its stream can be read at /v1/stream/${encodeURIComponent(id)}`
  return badInput('id', message, 'id_taken', 409)
}

function unknownStream(id: string): Refusal {
  const message = `there is no stream ${show(id)}: it never was, or was not read for longer than the limit resumeMs`
  return badInput(null, message, 'stream_not_found', 404)
}

function deletedStream(id: string): Refusal {
  return badInput(null, `the stream ${show(id)} was deleted`, 'stream_deleted', 410)
}

function gone(after: number, first: number): Refusal {
  const message = `the events after ${after} are gone, the first that is there is ${first} (limits replayEvents and replayBytes)`
  return badInput('last-event-id', message, 'replay_window_passed', 410)
}

function tooManyStreams(streams: number): Refusal {
  const message = `the server keeps as many streams as the limit replayStreams of ${streams}; try again later`
  return { status: 503, message, type: 'server_error', param: null, code: 'too_many_streams', retryAfterMs: 1000 }
}
