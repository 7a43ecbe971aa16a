import { Registry } from 'prom-client'
import type { Clock } from '../../operators/index.ts'
import { chatPipeline, type Ledger, type Outcome, type PromptRequest, type Reply } from '../../src/index.ts'
import { type CompletionChunk, echo } from '../../src/workers/index.ts'
import { ResidentMemory } from './resident-memory.ts'

/** What a flood asks for. */
export interface FloodOptions {
  /** Requests, all at once. */
  readonly requests: number
  /** How long the model takes for each; 16 at a time. */
  readonly delayMs: number
  readonly clock: Clock
  /** Lets the time pass that the flood needs, where the clock does not do so by itself. */
  readonly pass?: () => Promise<void>
}

/** How a flood went. */
export interface FloodReport {
  readonly requests: number
  /** Callers that heard an outcome, by its kind. */
  readonly heard: Readonly<Record<string, number>>
  /** Completed requests whose answer was read and quotes its own question. */
  readonly answered: number
  /** Why requests were shed. */
  readonly reasons: Readonly<Record<string, number>>
  /** Runs of the first stage: work that was begun. */
  readonly begun: number
  readonly ledger: Ledger
  /** What a scrape says afterwards. */
  readonly scraped: { readonly completed: number; readonly shed: number; readonly inFlight: number }
  readonly residentGrowthMb: number
  readonly durationMs: number
}

/** Pours requests into the five stages, all at once, and listens to every one of the callers. */
export async function flood({ requests, delayMs, clock, pass }: FloodOptions): Promise<FloodReport> {
  const registry = new Registry()
  const running = chatPipeline({ worker: echo({ delayMs, clock }), inferenceConcurrency: 16 }).start({
    clock,
    registry,
  })
  // The template is compiled and the code loaded before anything is measured.
  await settleAll([hear(running.submit({ input: 'warm-up' }))], pass)
  const before = running.ledger()

  const memory = new ResidentMemory()
  const startedAt = clock.now()
  const callers: Promise<Heard>[] = []
  for (let id = 0; id < requests; id++) callers.push(hear(running.submit(createRequest(id))))
  memory.look()
  const looking = setInterval(() => {
    memory.look()
  }, 50)
  const all = await settleAll(callers, pass)
  clearInterval(looking)
  const residentGrowthMb = memory.growthMb
  const durationMs = Math.round(clock.now() - startedAt)
  const report = {
    requests,
    heard: count(all.map(({ outcome }) => outcome.kind)),
    answered: all.filter(({ text }, id) => text.includes(createRequest(id).input ?? '')).length,
    reasons: count(all.flatMap(({ outcome }) => (outcome.kind === 'shed' ? [outcome.reason] : []))),
    begun: running.stages.rag.processed - 1,
    ledger: difference(running.ledger(), before),
    scraped: await scrape(registry),
    residentGrowthMb,
    durationMs,
  }
  await running.drain()
  return report
}

interface Heard {
  readonly outcome: Outcome<CompletionChunk>
  readonly text: string
}

function createRequest(id: number): PromptRequest {
  return { id: `flood-${id}`, session: `s-${id % 64}`, input: `What holds back the water of dam number ${id}?` }
}

/** One caller: reads the answer, if there is one, and hears how the request ended. */
async function hear(reply: Reply<CompletionChunk>): Promise<Heard> {
  let text = ''
  reply.output$.subscribe({
    next: (chunk) => {
      text += chunk.text
    },
    // The outcome says what the error does.
    error: () => undefined,
  })
  const outcome = await reply.outcome
  return { outcome, text }
}

async function settleAll(callers: readonly Promise<Heard>[], pass: FloodOptions['pass']): Promise<readonly Heard[]> {
  const all = Promise.all(callers)
  await pass?.()
  return all
}

function count(words: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

function difference(after: Ledger, before: Ledger): Ledger {
  return {
    submitted: after.submitted - before.submitted,
    completed: after.completed - before.completed,
    shed: after.shed - before.shed,
    failed: after.failed - before.failed,
    expired: after.expired - before.expired,
    cancelled: after.cancelled - before.cancelled,
    inFlight: after.inFlight,
  }
}

/** What the metrics say of the flood, the warm-up taken off. */
async function scrape(registry: Registry): Promise<FloodReport['scraped']> {
  const text = await registry.metrics()
  return {
    completed: sumOf(text, 'orchestrator_requests_total{outcome="completed"') - 1,
    shed: sumOf(text, 'orchestrator_requests_shed_total{'),
    inFlight: sumOf(text, 'orchestrator_requests_in_flight '),
  }
}

/** The sum of all samples of the Prometheus text that begin so. */
export function sumOf(metrics: string, beginning: string): number {
  const samples = metrics.split('\n').filter((line) => line.startsWith(beginning))
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}
