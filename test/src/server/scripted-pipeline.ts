import { EMPTY, NEVER, type Observable } from 'rxjs'
import type { Outcome } from '../../../src/pipeline/outcome.ts'
import { noRedrives } from '../../../src/pipeline/redrive/redriving.ts'
import type { Reply } from '../../../src/pipeline/reply.ts'
import type { Ledger, PipelineState } from '../../../src/pipeline/running.ts'
import type { PromptRequest } from '../../../src/prompt-request.ts'
import type { ServedPipeline } from '../../../src/server/index.ts'
import type { CompletionChunk } from '../../../src/workers/model-worker.ts'

type Ending = Outcome<CompletionChunk>

/** How a scripted request ends, when it is not by its last chunk. */
type ScriptedEnd =
  | Pick<Extract<Ending, { kind: 'shed' }>, 'kind' | 'stage' | 'reason' | 'retryAfterMs'>
  | Pick<Extract<Ending, { kind: 'failed' }>, 'kind' | 'stage' | 'error'>
  | Pick<Extract<Ending, { kind: 'expired' }>, 'kind' | 'stage' | 'reason'>
  | Pick<Extract<Ending, { kind: 'cancelled' }>, 'kind' | 'reason'>

/** Gives batches of chunks, then an end; an end thrown away means that the answer is complete. */
export type Script = (
  request: PromptRequest,
  cancelled: Promise<void>,
) => AsyncGenerator<readonly CompletionChunk[], ScriptedEnd | undefined>

/** Answers three chunks in two batches. */
export const answering: Script = async function* () {
  yield [{ text: 'hel' }, { text: 'lo' }]
  yield [{ text: '!', finishReason: 'stop' }]
  return undefined
}

/** Answers one chunk, then waits until it is called off. */
export const lasting: Script = async function* (_request, cancelled) {
  yield [{ text: 'first' }]
  await cancelled
  return undefined
}

/** A chunk of which nothing can be made. */
export const unspeakable = {
  get text(): string {
    throw new TypeError('with a secret')
  },
}

/** A pipeline that does what it is told, so that the server can be shown every way in which a request can end. */
export function scriptedPipeline(script: Script): {
  readonly running: ServedPipeline
  readonly requests: PromptRequest[]
  readonly replies: Reply<CompletionChunk>[]
  state: PipelineState
} {
  const requests: PromptRequest[] = []
  const replies: Reply<CompletionChunk>[] = []
  const pipeline = {
    requests,
    replies,
    state: 'running' as PipelineState,
    running: undefined as never as ServedPipeline,
  }
  const ledger: Ledger = { submitted: 0, completed: 0, shed: 0, failed: 0, expired: 0, cancelled: 0, inFlight: 0 }
  const running: ServedPipeline = {
    name: 'scripted',
    get state() {
      return pipeline.state
    },
    submit(request) {
      requests.push(request)
      const reply = scriptedReply(request, `s${requests.length}`, script)
      replies.push(reply)
      return reply
    },
    request: (): Observable<CompletionChunk> => NEVER,
    asOperator: () => () => NEVER,
    ledger: () => ledger,
    deadLetters: () => ({ selected: 0, pending: 0, stored: 0, duplicate: 0, conflict: 0, full: 0, dropped: 0 }),
    redrives: () => noRedrives,
    sessionStore: undefined,
    stages: {},
    stage: () => {
      throw new Error('not scripted')
    },
    outcomes$: EMPTY,
    events$: EMPTY,
    drain: () => Promise.reject(new Error('not scripted')),
  }
  return Object.assign(pipeline, { running })
}

function scriptedReply(request: PromptRequest, submissionId: string, script: Script): Reply<CompletionChunk> {
  let settled: Ending | undefined
  let tell: (outcome: Ending) => void = () => undefined
  let stop: () => void = () => undefined
  const outcome = new Promise<Ending>((resolve) => (tell = resolve))
  const cancelled = new Promise<void>((resolve) => (stop = resolve))
  const settle = (end: ScriptedEnd | { kind: 'completed'; chunks: number }): void => {
    if (settled !== undefined) return
    settled = { ...end, id: request.id ?? submissionId, submissionId, timings: { submittedAt: 0, durationMs: 0 } }
    tell(settled)
    stop()
  }
  async function* batches(): AsyncGenerator<readonly CompletionChunk[], void> {
    const chunks = script(request, cancelled)
    try {
      for (let count = 0; ;) {
        const step = await Promise.race([chunks.next(), cancelled])
        if (settled !== undefined || step === undefined) throw new Error('cancelled')
        if (step.done === true) {
          settle(step.value ?? { kind: 'completed', chunks: count })
          if (step.value !== undefined) throw new Error('ended')
          return
        }
        count += step.value.length
        yield step.value
      }
    } finally {
      settle({ kind: 'cancelled', reason: 'the reader stopped' })
    }
  }
  return {
    id: request.id ?? submissionId,
    submissionId,
    get settled() {
      return settled
    },
    outcome,
    output$: NEVER,
    batches,
    hold: () => undefined,
    cancel: (reason) => {
      settle({ kind: 'cancelled', reason })
    },
    [Symbol.asyncIterator]: () => {
      throw new Error('not scripted')
    },
  }
}
