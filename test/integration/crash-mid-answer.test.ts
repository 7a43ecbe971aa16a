import { tap } from 'rxjs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { StageCrash } from '../../actors/index.ts'
import {
  assemble,
  type ChunkFilter,
  type Handler,
  infer,
  type Outcome,
  pipeline,
  post,
  type PromptRequest,
  type RetrievedPrompt,
  type Running,
  stream,
} from '../../src/index.ts'
import { createServer } from '../../src/server/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'
import { type CompletionChunk, defineWorker } from '../../src/workers/index.ts'
import { until } from '../src/server/socket-client.ts'
import { callers } from './callers.ts'

const routes = ['chat', 'events', 'socket'] as const

const everyMs = 1_000
const backoffMs = 100

const half = 'the first half'
const rest = ' and the second'

/** What the words of a crash may quote: they are the handler's own. */
const secret = 'what another has asked'

const crash = new StageCrash(`it could not bear "${secret}"`)

/** A model that gives the beginning of each answer, and the rest when it is told to. */
class HeldModel {
  begins: readonly string[] = [half]
  /** Holds up the answers from now on; `undefined`: they are given whole. */
  gate: PromiseWithResolvers<CompletionChunk> | undefined
  /** Answers that are held up, and those that were called off. */
  held = 0
  calledOff = 0
  readonly worker = defineWorker({
    info: { id: 'held', provider: 'test', models: ['held'], capabilities: ['chat', 'stream'] },
    inferStream: (_, { signal }) => this.#answer(signal),
  })

  async *#answer(signal: AbortSignal): AsyncGenerator<CompletionChunk> {
    signal.addEventListener('abort', () => (this.calledOff += 1))
    const { gate } = this
    for (const text of this.begins) yield { text }
    if (gate !== undefined) this.held += 1
    yield gate === undefined ? { text: rest } : await gate.promise
    yield { text: '', finishReason: 'stop' }
  }
}

interface Serving {
  readonly url: string
  readonly clock: VirtualClock
  readonly running: Running<PromptRequest, CompletionChunk, 'rag' | 'inference' | 'post' | 'stream' | 'assemble'>
  readonly model: HeldModel
  readonly outcomes: Outcome<CompletionChunk>[]
  /** What the health check of inference answers. */
  readonly health: { well: boolean }
}

/** The five stages, with a health check of inference, behind the server. */
async function serve(): Promise<Serving> {
  const clock = new VirtualClock()
  const model = new HeldModel()
  const health = { well: true }
  const answer$ = infer({ worker: model.worker })
  const inference$: typeof answer$ = (prompt, context) => {
    if (prompt.messages.some(({ content }) => content.includes('poison'))) throw crash
    return answer$(prompt, context)
  }
  const rag: Handler<PromptRequest, RetrievedPrompt, PromptRequest> = (request) => ({ request, passages: [] })
  const running = pipeline<PromptRequest>('chat')
    .stage('rag', rag, { capacity: 64 })
    .stage('assemble', assemble({}), { capacity: 64 })
    .stage('inference', inference$, {
      capacity: 64,
      concurrency: 16,
      health: { check: () => health.well, everyMs, failures: 2 },
    })
    .stage('post', post({ filters: [breakable$] }), { capacity: 64 })
    .stage('stream', stream(), { capacity: 64 })
    .start({ clock, supervision: { backoff: () => backoffMs } })
  const outcomes: Outcome<CompletionChunk>[] = []
  running.outcomes$.subscribe({ next: (outcome) => outcomes.push(outcome), error: () => undefined })
  const server = createServer({ running, models: [model.worker.info] })
  const { url } = await server.listen({ port: 0 })
  onTestFinished(async () => {
    const drained = running.drain({ timeoutMs: 0 })
    await clock.advance(0)
    await drained
    await server.close({ graceMs: 0 })
  })
  return { url, clock, running, model, outcomes, health }
}

/** A filter that takes its stage with it. */
const breakable$: ChunkFilter = (chunks) =>
  chunks.pipe(
    tap(({ text }) => {
      if (text === 'poison') throw crash
    }),
  )

/** A way in which a stage goes down beneath answers that are half delivered. */
interface Fall {
  readonly stage: 'inference' | 'post'
  readonly error: { readonly status: number; readonly code: string; readonly message: string }
  /** Requests that fail, this one included. */
  readonly failed: number
  /** Answers that the model is to leave off. */
  readonly calledOff: number
  happen(serving: Serving): Promise<void> | void
}

const crashed = (stage: string) => ({ status: 500, code: 'stage_crash', message: `The stage "${stage}" crashed` })

const falls: Readonly<Record<string, Fall>> = {
  'the stream of the answer itself says that its stage is broken': {
    stage: 'inference',
    error: crashed('inference'),
    failed: 1,
    calledOff: 0,
    happen: ({ model }) => model.gate?.reject(crash),
  },
  'the request of another says so': {
    stage: 'inference',
    error: crashed('inference'),
    failed: 2,
    calledOff: 1,
    happen: ({ running }) => void running.submit({ input: 'poison' }),
  },
  'a later stage, through which the stream passes, says so': {
    stage: 'post',
    error: crashed('post'),
    failed: 1,
    calledOff: 1,
    happen: ({ model }) => model.gate?.resolve({ text: 'poison' }),
  },
  'a health check fails for good': {
    stage: 'inference',
    error: { status: 503, code: 'stage_unhealthy', message: 'the health check failed 2 times in a row' },
    failed: 1,
    calledOff: 1,
    happen: async ({ clock, health }) => {
      health.well = false
      await clock.advance(2 * everyMs)
      health.well = true
    },
  },
}

describe.each(Object.entries(falls))('when %s', (_, { stage, error, failed, calledOff, happen }) => {
  test.each(routes)('who asked by %s and has half of the answer is told, and is answered again', async (route) => {
    const serving = await serve()
    const { url, clock, running, model, outcomes } = serving
    const caller = await callers[route](url)
    model.gate = Promise.withResolvers()
    const broken = caller.ask('hello')
    await broken.heard(half)
    await happen(serving)
    expect(await broken.end()).toEqual({ text: half, last: endOf(route, stage, error), whole: false })
    expect(model.calledOff).toBe(calledOff)
    expect(running.ledger()).toEqual({ ...nothing, submitted: failed, failed })
    expect(outcomes).toHaveLength(failed)
    expect(running.stages[stage]).toMatchObject({ state: 'backing-off', running: 0 })

    model.gate = undefined
    const next = caller.ask('once more')
    await until(() => running.stages[stage].queueDepth === 1)
    await clock.advance(backoffMs)
    expect(await next.end()).toMatchObject({ text: `${half}${rest}`, whole: true })
    expect(running.ledger()).toEqual({ ...nothing, submitted: failed + 1, failed, completed: 1 })
    for (const [name, figures] of Object.entries(running.stages)) {
      expect(figures).toMatchObject({ state: 'running', running: 0, restarts: name === stage ? 1 : 0 })
    }
    expect(caller.connections()).toBe(1)
  })
})

const unhealthy = falls['a health check fails for good']!

test.each(routes)('who asked by %s and has not read on finds what was there, and why no more comes', async (route) => {
  const serving = await serve()
  const { url, running, model } = serving
  const caller = await callers[route](url)
  model.begins = Array.from({ length: 200 }, (_, index) => `${index} `.padEnd(10_000, 'x'))
  model.gate = Promise.withResolvers()
  const unread = caller.ask('hello', false)
  await until(() => model.held === 1)
  await unhealthy.happen(serving)
  expect(running.ledger()).toEqual({ ...nothing, submitted: 1, failed: 1 })
  const { text, last, whole } = await unread.end()
  expect([text === model.begins.join(''), whole]).toEqual([true, false])
  expect(last).toEqual(endOf(route, 'inference', unhealthy.error))
})

test('all clients beneath whose answers a stage goes down are told, each once, and all are answered again', async () => {
  const serving = await serve()
  const { url, clock, running, model, outcomes } = serving
  const kinds = routes.flatMap((route) => [route, route, route, route])
  const clients = await Promise.all(kinds.map((route) => callers[route](url)))
  model.gate = Promise.withResolvers()
  const broken = clients.map((client) => client.ask('hello'))
  await Promise.all(broken.map((reading) => reading.heard(half)))
  await unhealthy.happen(serving)
  for (const [index, reading] of broken.entries()) {
    const last = endOf(kinds[index]!, 'inference', unhealthy.error)
    expect(await reading.end()).toEqual({ text: half, last, whole: false })
  }
  const { length: failed } = clients
  expect(model.calledOff).toBe(failed)
  expect(running.ledger()).toEqual({ ...nothing, submitted: failed, failed })
  expect(new Set(outcomes.map(({ submissionId }) => submissionId)).size).toBe(failed)

  model.gate = undefined
  const again = clients.map((client) => client.ask('once more'))
  await until(() => running.stages.inference.queueDepth === failed)
  await clock.advance(backoffMs)
  for (const reading of again) expect(await reading.end()).toMatchObject({ text: `${half}${rest}`, whole: true })
  expect(running.ledger()).toEqual({ ...nothing, submitted: 2 * failed, failed, completed: failed })
  expect(clients.map((client) => client.connections())).toEqual(clients.map(() => 1))
})

const nothing = { submitted: 0, completed: 0, shed: 0, failed: 0, expired: 0, cancelled: 0, inFlight: 0 }

/** The last that a client hears of a request that failed, in the words of its protocol. */
function endOf(route: (typeof routes)[number], stage: string, { status, code, message }: Fall['error']): object {
  if (route === 'chat') return { error: { message, type: 'server_error', param: null, code } }
  const anyText = expect.any(String) as string
  return {
    kind: 'failed',
    id: anyText,
    submissionId: anyText,
    timings: { submittedAt: expect.any(Number) as number, durationMs: expect.any(Number) as number },
    stage,
    error: { status, code, message, param: null },
  }
}
