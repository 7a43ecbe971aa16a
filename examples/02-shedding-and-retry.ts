// More requests than there is room for: the rest is turned away at the door, and `retry` comes back when told to.
import { pipeline, ShedError } from 'spillway'
import { firstValueFrom, type Observable, retry, throwError, timer } from 'rxjs'

const slow = pipeline<number>('slow').stage(
  'square',
  (n, { clock }) =>
    new Promise<number>((resolve) => {
      clock.setTimeout(() => {
        resolve(n * n)
      }, 20)
    }),
  { capacity: 2, concurrency: 2 },
)
const running = slow.start()

const outcomes = await Promise.all(Array.from({ length: 10 }, (_, n) => running.submit(n).outcome))
for (const outcome of outcomes) {
  if (outcome.kind === 'completed') console.log('completed', outcome.value)
  if (outcome.kind === 'shed') console.log('shed by', outcome.stage, outcome.reason, 'again in', outcome.retryAfterMs)
}

// `request` submits anew on each subscription, so RxJS's own operators do the rest.
function waitAsTold(error: unknown): Observable<unknown> {
  return error instanceof ShedError ? timer(error.retryAfterMs) : throwError(() => error)
}
const patient = Array.from({ length: 10 }, (_, n) =>
  firstValueFrom(running.request(n).pipe(retry({ count: 10, delay: waitAsTold }))),
)
console.log('with retry', await Promise.all(patient))
console.log(running.ledger())
await running.drain()
