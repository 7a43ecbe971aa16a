// A stage that answers with a stream: chunks reach the reader as they are made, and no faster than it reads.
import { CancelledError, pipeline, pulled } from 'spillway'
import { map, type Observable } from 'rxjs'

async function* count(to: number): AsyncGenerator<number> {
  for (let n = 1; n <= to; n++) {
    await Promise.resolve()
    yield n
  }
}

const counting = pipeline<number>('counting')
  .stage('count', (to, context) => pulled(() => count(to), context), { capacity: 16, concurrency: 2 })
  // A stage after it is given the stream and returns it transformed; it is free at once.
  .stage('label', (numbers$: Observable<number>) => numbers$.pipe(map((n) => `#${n}`)), { capacity: 16 })

const running = counting.start({ streamBuffer: 8 })

for await (const label of running.submit(5)) console.log(label)

// Leaving early cancels the request, and closes the source.
for await (const label of running.submit(1_000_000)) if (label === '#3') break

const reply = running.submit(1_000_000)
reply.output$.subscribe({
  next: (label) => {
    if (label === '#2') reply.cancel('seen enough')
  },
  error: (error: unknown) => {
    console.log(error instanceof CancelledError ? error.message : error)
  },
})
console.log(await reply.outcome)
console.log(running.ledger())
await running.drain()
