// Turns of one conversation one after another, conversations beside each other, and what is to be written in batches.
import { batch, keyed } from 'spillway/operators'
import { from, lastValueFrom, tap, timer } from 'rxjs'

const turns = ['ann: hello', 'bob: hi', 'ann: what is RxJS?', 'ann: and XState?', 'bob: bye']
const shed: string[] = []

await lastValueFrom(
  from(turns).pipe(
    keyed(
      async (turn) => {
        await lastValueFrom(timer(20))
        return `${turn} (answered)`
      },
      {
        key: (turn) => turn.slice(0, 3),
        perKeyCapacity: 1, // of each conversation one turn may wait while another is answered
        concurrency: 8,
        onOutcome: (outcome) => {
          if (outcome.kind === 'shed') shed.push(outcome.value)
        },
      },
    ),
    batch({ size: 3, timeoutMs: 1_000 }),
    tap((rows) => {
      console.log('write', rows)
    }),
  ),
)
// write hello of ann, hi of bob, and what ann asked next; then bye of bob, because the source is done
console.log('shed', shed) // ann: and XState?
