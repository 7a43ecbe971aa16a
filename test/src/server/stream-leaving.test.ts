import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Logger, silentLogger } from '../../../src/logger.ts'
import { pipeline } from '../../../src/pipeline/pipeline.ts'
import type { PromptRequest } from '../../../src/prompt-request.ts'
import { pulled } from '../../../src/pulled.ts'
import { createServer } from '../../../src/server/index.ts'
import { VirtualClock } from '../../../src/testing/index.ts'
import type { CompletionChunk } from '../../../src/workers/model-worker.ts'
import { lasting, type Script } from './scripted-pipeline.ts'
import { until } from './socket-client.ts'
import { models, read, serve } from './stream-client.ts'

describe('a reader that does not come back', () => {
  /** Resolves when the log says that a client has left. */
  function watchedLeaving(): { readonly left: Promise<void>; readonly logger: Logger } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const info = (fields: { readonly status?: unknown }): void => {
      if (fields.status === 499) resolve()
    }
    return { left: promise, logger: { ...silentLogger, info } }
  }

  test('lets its request be cancelled in time, and not before', async () => {
    const clock = new VirtualClock()
    const { left, logger } = watchedLeaving()
    const { ask, pipeline, resume } = await serve(lasting, { clock, logger, limits: { resumeMs: 5000 } })
    const leaving = new AbortController()
    const response = await ask({ input: 'x' }, {}, leaving.signal)
    const id = response.headers.get('x-request-id')!
    leaving.abort()
    await left
    await clock.advance(4999)
    expect(pipeline.replies[0]?.settled).toBeUndefined()
    await clock.advance(1)
    expect(pipeline.replies[0]?.settled).toMatchObject({
      kind: 'cancelled',
      reason: { message: 'nobody read the stream within the limit resumeMs of 5000 ms' },
    })
    expect((await resume(id, 1)).status).toBe(404)
  })

  /** Answers nothing until it is called off. */
  const waiting: Script = async function* (_request, cancelled) {
    await cancelled
    return undefined
  }

  test('may come back after a silence before the first event, which sends it the id', async () => {
    const clock = new VirtualClock()
    const { left, logger } = watchedLeaving()
    const { ask, pipeline, resume } = await serve(waiting, { clock, logger, heartbeatMs: 1000 })
    const leaving = new AbortController()
    const asked = ask({ input: 'x' }, {}, leaving.signal)
    await until(() => pipeline.replies.length === 1)
    await clock.advance(1000)
    const response = await asked
    expect(response.status).toBe(200)
    const { value } = await (response.body as ReadableStream<Uint8Array>).getReader().read()
    expect(Buffer.from(value!).toString()).toBe(': still here\n\n')
    leaving.abort()
    await left
    expect(pipeline.replies[0]!.settled).toBeUndefined()
    const back = await resume(response.headers.get('x-request-id')!)
    pipeline.replies[0]!.cancel('enough')
    // What would have been a status is now the outcome's.
    expect((await read(back)).outcomes).toMatchObject([{ data: { kind: 'cancelled', error: { status: 503 } } }])
  })

  test('is told of a bad end by its status, however shortly before the first heartbeat', async () => {
    const clock = new VirtualClock()
    const { ask, pipeline } = await serve(waiting, { clock, heartbeatMs: 1000 })
    const asked = ask({ input: 'x' })
    await until(() => pipeline.replies.length === 1)
    await clock.advance(999)
    pipeline.replies[0]!.cancel('enough')
    expect((await asked).status).toBe(503)
  })

  test('and deletes its stream before the first event hears the outcome', async () => {
    const { ask, pipeline, resume } = await serve(waiting)
    const asked = ask({ id: 'mine', input: 'x' })
    await until(() => pipeline.replies.length === 1)
    expect((await resume('mine', undefined, 'DELETE')).status).toBe(204)
    const response = await asked
    expect(response.status).toBe(200)
    expect((await read(response)).outcomes).toMatchObject([{ data: { kind: 'cancelled' } }])
  })

  test('is kept for resumeMs in full, beyond stallTimeoutMs, while the model waits', async () => {
    const clock = new VirtualClock()
    const { left, logger } = watchedLeaving()
    let asked = 0
    const running = pipeline<PromptRequest>('p')
      .stage(
        'infer',
        (_request, context) =>
          pulled(async function* (): AsyncGenerator<CompletionChunk> {
            for (; asked < 100; asked++) {
              if (asked === 1) await left
              yield { text: `${asked} ` }
            }
          }, context),
        { capacity: 1 },
      )
      .start({ clock, stallTimeoutMs: 1000, streamBuffer: 4 })
    const server = createServer({ running, models, clock, logger, limits: { resumeMs: 60_000 } })
    const { url } = await server.listen({ port: 0 })
    onTestFinished(() => server.close({ graceMs: 0 }))
    const raw = httpRequest(`${url}/v1/stream`, { method: 'POST', headers: { 'content-type': 'application/json' } })
    raw.end(JSON.stringify({ id: 'mine', input: 'x' }))
    const [response] = (await once(raw, 'response')) as [IncomingMessage]
    response.destroy()
    await left
    await clock.advance(59_999)
    // What the reader that left had asked for, and a buffer full.
    expect([running.ledger().inFlight, asked <= 10]).toEqual([1, true])
    const { events, outcomes } = await read(await fetch(`${url}/v1/stream/mine`))
    expect(events.map(({ data }) => (data['text'] as string | undefined) ?? '').join('')).toBe(
      Array.from({ length: 100 }, (_, index) => `${index} `).join(''),
    )
    expect(outcomes).toMatchObject([{ data: { kind: 'completed' } }])
  })

  test.each([
    [undefined, true],
    ['mine', false],
  ])('before its first event with the id %s is cancelled at once: %s', async (id, atOnce) => {
    const clock = new VirtualClock()
    const { left, logger } = watchedLeaving()
    const { ask, pipeline } = await serve(waiting, { clock, logger })
    const leaving = new AbortController()
    ask({ input: 'x', ...(id !== undefined && { id }) }, {}, leaving.signal).catch(() => undefined)
    await until(() => pipeline.replies.length === 1)
    leaving.abort()
    await left
    expect(pipeline.replies[0]?.settled?.kind).toBe(atOnce ? 'cancelled' : undefined)
    await clock.advance(15_000)
    expect(await pipeline.replies[0]!.outcome).toMatchObject({ kind: 'cancelled' })
  })
})
