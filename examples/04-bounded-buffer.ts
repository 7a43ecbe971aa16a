// An RxJS operator that says what it loses: `mergeMap` with a bounded buffer before its slots.
import { boundedBuffer } from 'spillway/operators'
import { lastValueFrom, range, timer, toArray } from 'rxjs'

const counts: Record<string, number> = {}

const saved = await lastValueFrom(
  range(1, 20).pipe(
    boundedBuffer(
      async (n) => {
        await lastValueFrom(timer(5))
        if (n === 3) throw new Error('the disk is full')
        return n
      },
      {
        capacity: 4,
        concurrency: 2,
        onOutcome: (outcome) => {
          counts[outcome.kind] = (counts[outcome.kind] ?? 0) + 1
        },
      },
    ),
    toArray(),
  ),
)

console.log('saved', saved) // 1, 2, 4, 5, 6: two in slots, four waited, one of them failed alone
console.log(counts) // { shed: 14, completed: 5, failed: 1 }
