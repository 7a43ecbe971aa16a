import { deepEqual, equal, fail, ok, rejects } from 'node:assert/strict'
import type { Completion, ModelWorker, Prompt } from '../workers/model-worker.ts'
import { capabilityChecks } from './capability-checks.ts'
import { readAll, rejectsNaming } from './worker-assertions.ts'

/** A worker to check, and what must be cleared away afterwards. */
export interface WorkerSubject {
  readonly worker: ModelWorker
  /** Clears away what was set up for it. */
  dispose?(): Promise<void>
}

/** A worker whose answers begin at once and do not end by themselves while a check runs. */
export interface EndlessSubject extends WorkerSubject {
  /** Resolves when the source of the worker's only call was seen open, e.g. its request at the server. */
  readonly sourceOpened: () => Promise<unknown>
  /** Resolves when that source was seen closed, e.g. the connection at the server. */
  readonly sourceClosed: () => Promise<unknown>
}

/** Makes the workers to check; each check asks for one of its own. */
export interface ModelWorkerContractOptions {
  /** A worker that answers soon. It must answer the same prompt with the same text. */
  create(): WorkerSubject | Promise<WorkerSubject>
  /** A worker whose answers do not end. */
  createEndless(): EndlessSubject | Promise<EndlessSubject>
}

/** One check: hand both to the test runner. */
export interface ContractCase {
  readonly name: string
  /** Rejects when the contract is broken; does not settle when a worker never answers. */
  readonly run: () => Promise<void>
}

/**
 * The checks that every `ModelWorker` passes, for any test runner.
 *
 * @param name The worker's name; each case's name begins with it.
 *
 * @example
 * ```ts
 * for (const check of modelWorkerContract('mine', { create, createEndless })) test(check.name, check.run)
 * ```
 */
export function modelWorkerContract(name: string, options: ModelWorkerContractOptions): readonly ContractCase[] {
  const quick = (title: string, check: (worker: ModelWorker) => Promise<void>): ContractCase => ({
    name: `${name}: ${title}`,
    run: async () => withSubject(await options.create(), ({ worker }) => check(worker)),
  })
  const endless = (title: string, check: (subject: EndlessSubject) => Promise<void>): ContractCase => ({
    name: `${name}: ${title}`,
    run: async () => withSubject(await options.createEndless(), check),
  })
  return [
    quick('describes itself', describesItself),
    quick("the stream's chunks concatenate to the completion", chunksConcatenate),
    quick('an unused stream costs nothing and fails nobody', unusedStream),
    quick('a batch gives what its prompts give one by one', batchIsOneByOne),
    quick('calls at the same time do not mix', callsAreIndependent),
    quick('refuses a bad prompt by the name of its field', refusesBadPrompts),
    quick("rejects an aborted call with the signal's reason", refusesAbortedSignal),
    quick('leaves no listener on a signal that outlives the calls', leavesNoListener),
    quick('health reports and never rejects', healthReports),
    quick('closes more than once', closesTwice),
    ...Object.entries(capabilityChecks).map(([title, check]) => quick(title, check)),
    endless(
      "an abort in mid-stream rejects with the signal's reason, closes the source, and ends the stream",
      abortMidStream,
    ),
    endless("an abort rejects infer with the signal's reason and closes the source", abortInfer),
    endless('a reader that leaves closes the source', readerLeaves),
  ]
}

async function withSubject<S extends WorkerSubject>(subject: S, check: (subject: S) => Promise<void>): Promise<void> {
  try {
    await check(subject)
  } finally {
    await subject.worker.close()
    await subject.dispose?.()
  }
}

function asking(content: string): Prompt {
  return { messages: [{ role: 'user', content }] }
}

function checkCompletion(completion: Completion): void {
  equal(typeof completion.text, 'string')
  ok(['stop', 'length', 'tool_calls', 'content_filter'].includes(completion.finishReason), completion.finishReason)
  const { usage } = completion
  if (usage === undefined) return
  for (const count of [usage.promptTokens, usage.completionTokens]) ok(Number.isInteger(count) && count >= 0)
}

const question = asking('Which lake feeds the spillway, and since when?')

function describesItself({ info }: ModelWorker): Promise<void> {
  ok(info.id !== '' && info.provider !== '', 'id and provider are named')
  ok(info.models.length > 0, 'at least one model is named')
  ok(info.models.every((model) => typeof model === 'string' && model !== ''))
  return Promise.resolve()
}

async function chunksConcatenate(worker: ModelWorker): Promise<void> {
  const completion = await worker.infer(question)
  checkCompletion(completion)
  const chunks = await readAll(worker.inferStream(question))
  equal(chunks.map((chunk) => chunk.text).join(''), completion.text)
  const reasons = chunks.flatMap((chunk) => chunk.finishReason ?? [])
  ok(reasons.length <= 1, `at most one chunk has a finish reason, got ${reasons.length}`)
  equal(reasons[0] ?? 'stop', completion.finishReason)
  const usages = chunks.flatMap((chunk) => chunk.usage ?? [])
  ok(usages.length <= 1, `at most one chunk has the usage, got ${usages.length}`)
  deepEqual(usages[0], completion.usage)
}

async function unusedStream(worker: ModelWorker): Promise<void> {
  worker.inferStream(question)
  await worker.inferStream(question)[Symbol.asyncIterator]().return?.()
  checkCompletion(await worker.infer(question))
}

async function batchIsOneByOne(worker: ModelWorker): Promise<void> {
  const prompts = Array.from({ length: 9 }, (_, index) => asking(`Question ${index}: how high is the water?`))
  const batch = await worker.inferBatch(prompts)
  for (const completion of batch) checkCompletion(completion)
  const single: Completion[] = []
  for (const prompt of prompts) single.push(await worker.infer(prompt))
  deepEqual(batch, single)
  deepEqual(await worker.inferBatch([]), [])
}

async function callsAreIndependent(worker: ModelWorker): Promise<void> {
  const prompts = Array.from({ length: 8 }, (_, index) => asking(`Gate ${index} ${'is open '.repeat(index)}`))
  const alone: string[] = []
  for (const prompt of prompts) alone.push((await worker.infer(prompt)).text)
  const failing = new AbortController()
  const victim = worker.infer(question, { signal: failing.signal })
  const together = Promise.all(prompts.map(async (prompt) => (await worker.infer(prompt)).text))
  failing.abort(new Error('only this one'))
  await rejects(victim, /only this one/)
  deepEqual(await together, alone)
}

async function refusesBadPrompts(worker: ModelWorker): Promise<void> {
  const bad: readonly (readonly [string, unknown])[] = [
    ['messages', { messages: [] }],
    ['messages', { messages: 'hello' }],
    ['messages[0].role', { messages: [{ role: 'robot', content: 'hello' }] }],
    ['messages[1].content', { messages: [question.messages[0], { role: 'user', content: 7 }] }],
    ['messages[0].toolCallId', { messages: [{ role: 'tool', content: 'open' }] }],
    ['model', { ...question, model: 'no such model' }],
    ['parameters.maxTokens', { ...question, parameters: { maxTokens: 0 } }],
    ['parameters.stop[0]', { ...question, parameters: { stop: [''] } }],
  ]
  for (const [field, prompt] of bad) {
    await rejectsNaming(field, () => worker.infer(prompt as Prompt))
    await rejectsNaming(field, () => readAll(worker.inferStream(prompt as Prompt)))
    await rejectsNaming(`prompts[1].${field}`, () => worker.inferBatch([question, prompt as Prompt]))
  }
}

async function refusesAbortedSignal(worker: ModelWorker): Promise<void> {
  const reason = new Error('not wanted any more')
  const signal = AbortSignal.abort(reason)
  await rejectsWith(reason, worker.infer(question, { signal }))
  await rejectsWith(reason, readAll(worker.inferStream(question, { signal })))
  await rejectsWith(reason, worker.inferBatch([question, question], { signal }))
}

async function rejectsWith(reason: unknown, promise: Promise<unknown>): Promise<void> {
  await promise.then(
    () => fail('expected a rejection'),
    (error: unknown) => {
      equal(error, reason)
    },
  )
}

async function leavesNoListener(worker: ModelWorker): Promise<void> {
  const { signal } = new AbortController()
  const listeners = new Set<unknown>()
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: Parameters<typeof add>): void => {
    listeners.add(args[1])
    add(...args)
  }
  signal.removeEventListener = (...args: Parameters<typeof remove>): void => {
    listeners.delete(args[1])
    remove(...args)
  }
  await worker.infer(question, { signal })
  await readAll(worker.inferStream(question, { signal }))
  await worker.inferBatch([question, question, question], { signal })
  for await (const chunk of worker.inferStream(question, { signal })) {
    ok(chunk)
    break
  }
  await worker.infer({ messages: [] }, { signal }).catch(() => undefined)
  equal(listeners.size, 0, `${listeners.size} listeners are left`)
}

async function healthReports(worker: ModelWorker): Promise<void> {
  const status = await worker.health()
  ok(status.healthy, status.healthy ? '' : status.reason)
  ok(status.latencyMs >= 0)
  // Whatever it says now, it says it.
  await worker.health({ signal: AbortSignal.abort() })
}

async function closesTwice(worker: ModelWorker): Promise<void> {
  await worker.infer(question)
  await worker.close()
  await worker.close()
}

async function abortMidStream({ worker, sourceClosed }: EndlessSubject): Promise<void> {
  const reason = new Error('the client has left')
  const call = new AbortController()
  const chunks = worker.inferStream(question, { signal: call.signal })[Symbol.asyncIterator]()
  equal((await chunks.next()).done ?? false, false)
  const pending = chunks.next()
  call.abort(reason)
  await rejectsWith(reason, pending)
  await sourceClosed()
  const after = await chunks.next().catch((error: unknown) => {
    equal(error, reason)
    return { done: true }
  })
  equal(after.done, true)
}

async function abortInfer({ worker, sourceOpened, sourceClosed }: EndlessSubject): Promise<void> {
  const reason = new Error('too late')
  const call = new AbortController()
  const rejected = rejectsWith(reason, worker.infer(question, { signal: call.signal }))
  await sourceOpened()
  call.abort(reason)
  await rejected
  await sourceClosed()
}

async function readerLeaves({ worker, sourceClosed }: EndlessSubject): Promise<void> {
  const chunks = worker.inferStream(question)[Symbol.asyncIterator]()
  equal((await chunks.next()).done ?? false, false)
  await chunks.return?.()
  equal((await chunks.next()).done, true)
  await sourceClosed()
}
