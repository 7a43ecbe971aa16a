// A supervised stage in an application of your own: it crashes, it is started again, nothing that waits is lost.
import { exponentialBackoff, fromStage, StageCrash, supervise } from 'spillway/actors'
import { Channel } from 'spillway/operators'
import { createActor } from 'xstate'

const channel = new Channel<number>({ capacity: 100, concurrency: 2 })
const results: number[] = []
let connected = true

const stage = fromStage(
  async (job: number) => {
    await Promise.resolve()
    if (job === 4) connected = false
    if (!connected) throw new StageCrash('the connection is gone')
    return job * 10
  },
  {
    channel,
    onValue: (result) => {
      results.push(result)
      if (results.length === 9) root.stop()
    },
    onError: (error) => {
      console.log('an item failed:', String(error))
    },
  },
)

const root = createActor(
  supervise([{ id: 'jobs', start: stage }], { maxRestarts: 3, backoff: exponentialBackoff({ initialMs: 10 }) }),
)
root.on('restarted', ({ id }) => {
  connected = true
  console.log(id, 'runs again')
})
root.subscribe({
  error: (error) => {
    console.error('given up', error)
  },
  complete: () => {
    console.log(results) // all but 40
  },
})
root.start()
for (let job = 1; job <= 10; job++) channel.offer(job)
