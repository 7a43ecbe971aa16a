// Supervised actors within a plain RxJS application: a source that is subscribed again when it breaks, a stage that
// works on what it brings, and all of it as one cold Observable, which starts them and stops them.
import { fromStage, supervise } from 'spillway/actors'
import { Channel } from 'spillway/operators'
import { concat, defer, interval, map, Observable, scan, take, tap, throwError } from 'rxjs'
import { createActor } from 'xstate'

/** Somebody else's feed, which breaks after three prices. */
let feeds = 0
const prices$ = defer(() => {
  const first = ++feeds * 100
  const broken$ = throwError(() => new Error('the feed is gone'))
  return concat(interval(5).pipe(take(3)), broken$).pipe(map((n) => first + n))
})

const halved$ = new Observable<number>((subscriber) => {
  const waiting = new Channel<number>({ capacity: 100, concurrency: 2 })
  const halve = fromStage((price: number) => Promise.resolve(price / 2), {
    channel: waiting,
    onValue: (half) => {
      subscriber.next(half)
    },
  })
  const children = [
    { id: 'halve', start: halve },
    { id: 'prices', start: () => prices$.pipe(tap((price) => waiting.offer(price))) },
  ]
  const actor = createActor(supervise(children, { backoff: () => 10 }))
  actor.on('crashed', ({ id, error }) => {
    console.log(id, 'crashed:', String(error))
  })
  actor.subscribe({
    error: (error) => {
      subscriber.error(error)
    },
  })
  actor.start()
  return () => actor.stop()
})

halved$
  .pipe(
    take(5),
    scan((sum, half) => sum + half, 0),
  )
  .subscribe({ next: console.log, error: console.error })
