/**
 * A process that puts, claims and ends dead letters as fast as it can until it is killed. What it did, and what the store
 * has acknowledged, is a line each on standard output.
 */
import { type ClaimedDeadLetter, type DeadLetterStore, StoreError } from '../../src/stores/index.ts'
import { mulberry32 } from '../fixtures/mulberry32.ts'
import { say } from './say.ts'
import { openStore, type StorePlace } from './stores-to-kill.ts'

const [name = '', place = '', seed = ''] = process.argv.slice(2)
const store = openStore(JSON.parse(place) as StorePlace, 0)
const random = mulberry32(Number(seed))

/** Until the store has answered: what it says again is the same. */
async function answered<T>(call: () => PromiseLike<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
    }
  }
}

async function putAll(from: DeadLetterStore): Promise<never> {
  for (let at = 0; ; at++) {
    const letters = Array.from({ length: 1 + Math.floor(8 * random()) }, (_, one) => `${name}-${at}-${one}`)
    await Promise.all(
      letters.map(async (submissionId) => {
        const now = Date.now()
        const letter = {
          ...{ submissionId, id: submissionId, pipeline: 'chat', stage: 'inference', kind: 'failed' as const },
          ...{ reason: 'stage_failed', error: 'killed', firstSeenAt: now, lastSeenAt: now },
          request: { text: 'x'.repeat(2_000 * random()) },
        }
        const result = await answered(() => from.put(letter))
        if (result === 'stored' || result === 'duplicate') say('put', submissionId)
      }),
    )
  }
}

async function redriveAll(from: DeadLetterStore): Promise<never> {
  for (;;) {
    const claimed = await answered(() => from.claim({ pipeline: 'chat', limit: 8, leaseMs: 300 }))
    await Promise.all(claimed.map((each) => redrive(from, each)))
    // An empty store leaves the turn to those who fill it.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function redrive(from: DeadLetterStore, { letter, lease }: ClaimedDeadLetter): Promise<void> {
  const { submissionId, epoch } = lease
  say('run', submissionId, epoch)
  const dice = random()
  if (dice < 0.8) {
    if ((await answered(() => from.ack(lease))) === 'acked') say('acked', submissionId)
  } else if (dice < 0.9) {
    await answered(() => from.fail(lease, letter, { retryInMs: 1, final: dice < 0.82 }))
  } else {
    await answered(() => from.defer(lease, { retryInMs: 1 }))
  }
}

await Promise.all([putAll(store), redriveAll(store)])
