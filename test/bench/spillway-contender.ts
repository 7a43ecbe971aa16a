import { Registry } from 'prom-client'
import { type Outcome, pipeline } from '../../src/index.ts'
import type { Contender } from './contender.ts'
import { type Answer, assemble, type Assembled, type BenchRequest, createRequest } from './workload.ts'
import { inference, type Inferred, post, rag, stream } from './workload.ts'

/**
 * Spillway with everything on: door admission, ledger, outcomes, metrics in a registry, a deadline on each
 * request, a time-out on inference, supervision, cancellation. Each caller waits for `reply.outcome`.
 *
 * @param infer The worker: gives its tokens at once, as the reference's does, or a promise of them.
 */
export function createSpillwayContender(
  infer: (prompt: Assembled) => Inferred | Promise<Inferred>,
): Contender<Outcome<Answer>> {
  const registry = new Registry()
  const running = pipeline<BenchRequest>('bench')
    .stage('rag', rag, { capacity: 512, concurrency: 32 })
    .stage('assemble', assemble, { capacity: 512, concurrency: 8 })
    .stage('inference', infer, { capacity: 512, concurrency: 16, timeoutMs: 60_000 })
    .stage('post', post, { capacity: 1024 })
    .stage('stream', stream, { capacity: 512 })
    .start({ registry })
  return {
    submit: (id) => running.submit(createRequest(id)).outcome,
    textOf(outcome) {
      if (outcome.kind !== 'completed') throw new Error(`a request was ${outcome.kind}: ${JSON.stringify(outcome)}`)
      return outcome.value!.text
    },
    async check(completed) {
      const ledger = running.ledger()
      const line = `orchestrator_requests_total{outcome="completed",origin="client"} ${completed}\n`
      const counted = (await registry.metrics()).includes(line)
      if (ledger.completed !== completed || ledger.submitted !== completed || !counted) {
        throw new Error(`${completed} requests have completed; the ledger says ${JSON.stringify(ledger)}`)
      }
    },
  }
}

/** The stage that gives its tokens a microtask later. */
export async function promisedInference(prompt: Assembled): Promise<Inferred> {
  return inference(prompt)
}
