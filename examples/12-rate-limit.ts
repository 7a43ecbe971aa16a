// A rate limit for each user: two at once, then one every 20 ms; one more of each may wait, and the rest are told when.
import { rateLimit } from 'spillway/operators'
import { from, lastValueFrom, toArray } from 'rxjs'

const requests = ['ann 1', 'ann 2', 'ann 3', 'ann 4', 'bob 1', 'bob 2']

const passed = await lastValueFrom(
  from(requests).pipe(
    rateLimit({
      rate: 1,
      perMs: 20,
      burst: 2,
      key: (request) => request.slice(0, 3),
      capacity: 100,
      perKeyCapacity: 1,
      onOutcome: ({ kind, value, reason, retryAfterMs }) => {
        if (kind === 'shed') console.log(value, 'shed:', reason, 'try again in', retryAfterMs, 'ms') // ann 4
      },
    }),
    toArray(),
  ),
)

console.log(passed) // ann 1, ann 2, bob 1, bob 2, and 20 ms later ann 3
