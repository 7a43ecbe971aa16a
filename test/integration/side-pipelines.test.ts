import { Registry } from 'prom-client'
import { afterEach, describe, expect, test } from 'vitest'
import { StageCrash } from '../../actors/index.ts'
import { completionsPipeline } from '../../src/completions-pipeline.ts'
import { embeddingsPipeline } from '../../src/embeddings-pipeline.ts'
import type { Ledger } from '../../src/pipeline/running.ts'
import type { StartOptions } from '../../src/pipeline/start-options.ts'
import { chatPipeline } from '../../src/preset.ts'
import {
  createServer,
  type ServedCompletions,
  type ServedEmbeddings,
  type ServerOptions,
} from '../../src/server/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'
import { defineWorker, type ModelWorker, WorkerError } from '../../src/workers/index.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

/** A worker that answers when it is told to, and tells how often it was called and called off. */
class GatedWorker {
  calls = 0
  readonly called = Promise.withResolvers<void>()
  readonly calledOff = Promise.withResolvers<void>()
  readonly #gate = Promise.withResolvers<() => void>()
  readonly worker: ModelWorker = defineWorker({
    info: {
      id: 'gated',
      provider: 'test',
      models: ['gated'],
      capabilities: ['chat', 'stream', 'completions', 'embeddings'],
    },
    infer: () => Promise.resolve({ text: 'hello', finishReason: 'stop' }),
    completeStream: (_, { signal }) => this.#complete(signal),
    embed: async ({ input }, { signal }) => {
      await this.#waiting(signal)
      return { vectors: input.map(() => [1, 2]), promptTokens: 1 }
    },
  })

  open(): void {
    this.#gate.resolve(() => undefined)
  }

  fail(error: Error): void {
    this.#gate.resolve(() => {
      throw error
    })
  }

  async *#complete(signal: AbortSignal): AsyncGenerator<{ text: string; finishReason?: 'stop' }> {
    yield { text: 'first ' }
    await this.#waiting(signal)
    yield { text: 'last', finishReason: 'stop' }
  }

  async #waiting(signal: AbortSignal): Promise<void> {
    this.calls++
    signal.addEventListener('abort', () => {
      this.calledOff.resolve()
    })
    this.called.resolve()
    const end = await this.#gate.promise
    end()
  }
}

interface Serving {
  readonly url: string
  readonly gated: GatedWorker
  readonly completions: ServedCompletions
  readonly embeddings: ServedEmbeddings
  readonly registry: Registry
  post(body: object, signal?: AbortSignal): Promise<Response>
  /** Of the route that is tried. */
  readonly side: ServedCompletions | ServedEmbeddings
}

type Route = 'completions' | 'embeddings'

const bodies = { completions: { prompt: 'Once' }, embeddings: { input: 'Once' } }

async function serve(route: Route, start: StartOptions = {}, options: Partial<ServerOptions> = {}): Promise<Serving> {
  const gated = new GatedWorker()
  const registry = new Registry()
  const { worker } = gated
  const running = chatPipeline({ worker }).start({ registry })
  const startSide = (name: Route): StartOptions => ({ registry, metricsPrefix: `orchestrator_${name}_`, ...start })
  const completions = completionsPipeline({ worker, inferenceConcurrency: 1 }).start(startSide('completions'))
  const embeddings = embeddingsPipeline({ worker, concurrency: 1 }).start(startSide('embeddings'))
  const server = createServer({ running, completions, embeddings, models: [worker.info], registry, ...options })
  const { url } = await server.listen({ port: 0 })
  closing.push(async () => {
    gated.open()
    await Promise.all([running, completions, embeddings].map((each) => each.drain({ timeoutMs: 0 })))
    await server.close({ graceMs: 0 })
  })
  const post = (body: object, signal: AbortSignal | null = null): Promise<Response> =>
    fetch(`${url}/v1/${route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...bodies[route], ...body }),
      signal,
    })
  const side = route === 'completions' ? completions : embeddings
  return { url, gated, completions, embeddings, registry, post, side }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

async function errorOf(response: Response): Promise<{ readonly code: string; readonly param: string | null }> {
  return ((await response.json()) as { error: { code: string; param: string | null } }).error
}

function balanced(ledger: Ledger): Ledger {
  const { submitted, completed, shed, failed, expired, cancelled, inFlight } = ledger
  expect([completed + shed + failed + expired + cancelled + inFlight, inFlight]).toEqual([submitted, 0])
  return ledger
}

describe.each(['completions', 'embeddings'] as const)('/v1/%s', (route) => {
  test('what there is no room for is told when to try again, and the books agree with the metrics', async () => {
    const { gated, post, side, registry } = await serve(route, { scale: 1 / 1024 })
    const asked = Array.from({ length: 10 }, () => post({}))
    await until(() => side.ledger().submitted === 10)
    gated.open()
    const answers = await Promise.all(asked)
    const refused = answers.filter(({ status }) => status === 429)
    for (const answer of refused) {
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
      expect(answer.headers.get('retry-after-ms')).toMatch(/^\d+$/)
      expect(await errorOf(answer)).toMatchObject({ code: 'overloaded' })
    }
    const { completed, shed } = balanced(side.ledger())
    expect([completed > 0, shed > 0, completed + shed]).toEqual([true, true, 10])
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(completed)
    expect(refused).toHaveLength(shed)
    // Nothing was spent on what was turned away.
    expect(gated.calls).toBe(completed)

    const lines = (await registry.metrics()).split('\n')
    expect(lines).toContain(`orchestrator_${route}_requests_total{outcome="shed",origin="client"} ${shed}`)
    expect(lines).toContain(`orchestrator_${route}_requests_total{outcome="completed",origin="client"} ${completed}`)
    const others = lines.filter(
      (line) => /^orchestrator_\w*requests_total\{outcome=/.test(line) && !line.endsWith(' 0'),
    )
    expect(others.every((line) => line.startsWith(`orchestrator_${route}_`))).toBe(true)
  })

  test('a deadline that passes is 504, and calls the model off', async () => {
    const clock = new VirtualClock()
    const { gated, post, side } = await serve(route, { clock }, { deadlineMs: 200 })
    const asked = post({})
    await gated.called.promise
    await clock.advance(200)
    const answer = await asked
    expect([answer.status, (await errorOf(answer)).code]).toEqual([504, 'deadline_exceeded'])
    await gated.calledOff.promise
    expect(balanced(side.ledger())).toMatchObject({ submitted: 1, expired: 1 })
  })

  test('a client that goes away calls the model off', async () => {
    const { gated, post, side } = await serve(route)
    const leaving = new AbortController()
    const asked = expect(post({}, leaving.signal)).rejects.toThrow(/abort/)
    await gated.called.promise
    leaving.abort()
    await asked
    await gated.calledOff.promise
    await until(() => side.ledger().inFlight === 0)
    expect(balanced(side.ledger())).toMatchObject({ submitted: 1, cancelled: 1 })
  })

  test('a drain lets it finish, and refuses what comes later', async () => {
    const { url, gated, post, side } = await serve(route)
    const asked = post({})
    await gated.called.promise
    const drained = side.drain({ timeoutMs: 3_600_000 })
    const late = await post({})
    expect([late.status, (await errorOf(late)).code]).toEqual([503, 'draining'])
    expect((await fetch(`${url}/readyz`)).status).toBe(503)
    gated.open()
    expect((await asked).status).toBe(200)
    expect(await drained).toMatchObject({ inFlight: 1, completed: 1, refused: 1, timedOut: 0 })
    expect(balanced(side.ledger())).toMatchObject({ submitted: 2, completed: 1, shed: 1 })
  })

  test('what a drain has no time for is told so', async () => {
    const { gated, post, side } = await serve(route)
    const asked = post({})
    await gated.called.promise
    expect(await side.drain({ timeoutMs: 0 })).toMatchObject({ inFlight: 1, failed: 1, timedOut: 1 })
    const answer = await asked
    expect([answer.status, (await errorOf(answer)).code]).toEqual([503, 'drain_timeout'])
    await gated.calledOff.promise
    balanced(side.ledger())
  })

  test("the model's own refusal comes through with its Retry-After", async () => {
    const { gated, post, side } = await serve(route)
    gated.fail(new WorkerError('gated', 'slow down', { status: 429, retryAfterMs: 2500 }))
    const answer = await post({})
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '3'])
    expect(await errorOf(answer)).toMatchObject({ code: 'model_overloaded' })
    expect(balanced(side.ledger())).toMatchObject({ submitted: 1, failed: 1 })
  })

  test('one that has failed is seen, and the others answer on', async () => {
    const { url, gated, post } = await serve(route, { supervision: { maxRestarts: 0, withinMs: 1000 } })
    gated.fail(new StageCrash('broken'))
    expect((await post({})).status).toBe(500)
    const ready = await fetch(`${url}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([
      503,
      expect.objectContaining({ detail: `the pipeline "${route}" is failed` }),
    ])
    const { state, pipelines } = (await (await fetch(`${url}/v1/pipeline`)).json()) as {
      state: string
      pipelines: { name: string; state: string }[]
    }
    expect(state).toBe('running')
    const other = route === 'completions' ? 'embeddings' : 'completions'
    expect(pipelines.map(({ name, state: its }) => [name, its]).toSorted()).toEqual(
      [
        [route, 'failed'],
        [other, 'running'],
      ].toSorted(),
    )
    expect((await post({})).status).toBe(503)
    const chat = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'hello' }] }),
    })
    expect(chat.status).toBe(200)
  })

  test('where no pipeline is for it, the route says so', async () => {
    const { post } = await serve(route, {}, { [route]: undefined })
    const answer = await post({})
    expect([answer.status, (await errorOf(answer)).code]).toEqual([404, 'not_supported'])
  })
})

test('a client that goes away in mid-stream calls the model off', async () => {
  const { gated, post, side } = await serve('completions')
  const leaving = new AbortController()
  const answer = await post({ stream: true }, leaving.signal)
  const body = answer.body as ReadableStream<Uint8Array>
  expect(new TextDecoder().decode((await body.getReader().read()).value)).toContain('"first "')
  leaving.abort()
  await gated.calledOff.promise
  await until(() => side.ledger().inFlight === 0)
  expect(balanced(side.ledger())).toMatchObject({ submitted: 1, cancelled: 1 })
})

test('two pipelines do not share the names of their metrics', async () => {
  const { embeddings, gated, registry } = await serve('embeddings')
  expect(embeddings.state).toBe('running')
  expect(() =>
    embeddingsPipeline({ worker: gated.worker }).start({ registry, metricsPrefix: 'orchestrator_embeddings_' }),
  ).toThrow(/orchestrator_embeddings_/)
})
