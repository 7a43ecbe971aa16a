import { of } from 'rxjs'
import { type OutcomeKind, pipeline, type Reply } from '../../src/index.ts'
import { liveHeapMb } from './resident-memory.ts'

/** What a pipeline still holds of requests that have ended. */
export interface RetentionReport {
  readonly ending: Ending
  readonly requests: number
  /** Requests and replies, of those that were watched, which the garbage collector could not take. */
  readonly kept: number
  readonly watched: number
  /** What the heap has grown by since an equal round before, in MB. */
  readonly heapGrowthMb: number
}

/** How requests end; a stream is a completed one, too. */
export type Ending = OutcomeKind | 'streamed'

export const endings: readonly Ending[] = ['completed', 'streamed', 'shed', 'failed', 'expired', 'cancelled']

interface Request {
  readonly text: string
  readonly deadlineMs: number
}

type Submit = (request: Request) => Reply<string>

/** One of so many requests is watched. */
const watchedShare = 50
/** Requests that are under way together; the channel takes twice as many. */
const wave = 500

/** Lets so many requests end in one way, all with a deadline, and looks at what is left of them. */
export async function measureRetention(ending: Ending, requests: number): Promise<RetentionReport> {
  const { submit, drain } = start(ending)
  // The first round fills caches and lets buffers grow to their size.
  await pour(submit, ending, requests)
  const before = await liveHeapMb()
  const watched = await pour(submit, ending, requests)
  const after = await liveHeapMb()
  const kept = watched.filter((reference) => reference.deref() !== undefined).length
  await drain()
  return { ending, requests, kept, watched: watched.length, heapGrowthMb: Math.round((after - before) * 100) / 100 }
}

/** A pipeline in which requests end so. */
function start(ending: Ending): { readonly submit: Submit; readonly drain: () => Promise<unknown> } {
  const size = { capacity: 2 * wave, concurrency: 8 }
  if (ending === 'streamed') {
    const running = pipeline<Request>('streams')
      .stage('split', ({ text }) => of(...text.split(' ')), size)
      .stage('pass', (words) => words, size)
      .start()
    return { submit: (request) => running.submit(request), drain: () => running.drain() }
  }
  const running = pipeline<Request>('values')
    .stage(
      'work',
      ({ text }, { signal }): string | Promise<string> => {
        if (ending === 'completed') return text
        if (ending === 'failed') throw new Error('it was to fail')
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reject(new Error('called off'))
          })
        })
      },
      ending === 'shed' ? { capacity: 0 } : size,
    )
    .stage('pass', (text) => text, size)
    .start()
  // With its only slot taken for good, the pipeline turns everything away.
  if (ending === 'shed') running.submit({ text: 'holds the slot', deadlineMs: 600_000 })
  return { submit: (request) => running.submit(request), drain: () => running.drain({ timeoutMs: 0 }) }
}

/** Submits the requests wave after wave, hears how each ends, and keeps weak references to some of them. */
async function pour(submit: Submit, ending: Ending, requests: number): Promise<readonly WeakRef<object>[]> {
  const watched: WeakRef<object>[] = []
  for (let first = 0; first < requests; first += wave) {
    const ends: Promise<void>[] = []
    for (let id = first; id < Math.min(first + wave, requests); id++) {
      const request = { text: `a few words of request ${id}`, deadlineMs: ending === 'expired' ? 2 : 60_000 }
      const reply = submit(request)
      if (id % watchedShare === 0) watched.push(new WeakRef(request), new WeakRef(reply))
      ends.push(hear(reply, ending))
    }
    await Promise.all(ends)
  }
  return watched
}

async function hear(reply: Reply<string>, ending: Ending): Promise<void> {
  // A stream wants to be read, the others' outcome is enough.
  if (ending === 'streamed') reply.output$.subscribe({ error: () => undefined })
  const { outcome } = reply
  if (ending === 'cancelled') reply.cancel()
  const { kind } = await outcome
  if (kind !== (ending === 'streamed' ? 'completed' : ending)) throw new Error(`a request was ${kind}, not ${ending}`)
}
