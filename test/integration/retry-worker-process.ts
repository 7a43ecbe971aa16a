/**
 * A process whose requests fail, and become dead letters in Redis, while its retry worker redrives its own and others',
 * until it is killed. What became of them is a line each on standard output, as `LetterLog` reads it.
 */
import { setTimeout } from 'node:timers/promises'
import { pipeline } from '../../src/index.ts'
import type { DeadLetterStore } from '../../src/stores/index.ts'
import { createRedisDeadLetterStore } from '../../src/stores/redis/index.ts'
import { mulberry32 } from '../fixtures/mulberry32.ts'
import { say } from './say.ts'

const [name = '', url = '', seed = ''] = process.argv.slice(2)
const random = mulberry32(Number(seed))
const store = createRedisDeadLetterStore({ url, maxAttempts: 20, shards: 4 })
/** The leases of the requests that are redriven: whoever has none is run for its client. */
const leases = new Map<string, string>()

/** The store as it is, with everything said that it acknowledges. */
const told: DeadLetterStore = Object.assign(Object.create(store) as DeadLetterStore, {
  async put(...args) {
    const result = await store.put(...args)
    if (result === 'stored' || result === 'duplicate') say('put', args[0].submissionId)
    return result
  },
  async claim(...args) {
    const claimed = await store.claim(...args)
    for (const { letter, lease } of claimed) {
      leases.set((letter.request as { readonly id: string }).id, `${lease.submissionId} ${lease.epoch}`)
    }
    return claimed
  },
  async ack(...args) {
    const result = await store.ack(...args)
    if (result === 'acked') say('acked', args[0].submissionId)
    return result
  },
} satisfies Partial<DeadLetterStore>)

const running = pipeline<{ readonly id: string }>('chat')
  .stage(
    'inference',
    async ({ id }, { clock }) => {
      const lease = leases.get(id)
      if (lease !== undefined) say('run', lease)
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 20 * random()))
      if (lease === undefined || random() < 0.1) throw new Error('the model is ill')
      return id
    },
    { capacity: 64, concurrency: 16, deadLetter: ['failed', 'shed', 'expired'] },
  )
  .start({
    deadLetters: told,
    redrive: {
      ...{ concurrency: 16, perSession: 1_000, leaseMs: 1_000, pollMs: 50, backoff: () => 10 },
      budget: { perSecond: 1_000, ratio: 1 },
    },
  })

for (let at = 0; ; at++) {
  const id = `${name}-${at}`
  // Nobody waits for it: the next one comes, whatever becomes of Redis.
  running.submit({ id })
  await setTimeout(4)
}
