// A model that is busy twice: tried again when it says, and a budget for retries that all callers share.
import { retryBackoff, RetryBudget } from 'spillway/operators'
import { defer, lastValueFrom, of, throwError } from 'rxjs'

class BusyError extends Error {
  readonly retryAfterMs = 20
}

const budget = new RetryBudget({ ratio: 0.1, reserve: 10 })
let calls = 0

const answer$ = defer(() => (++calls < 3 ? throwError(() => new BusyError('busy')) : of('forty-two'))).pipe(
  retryBackoff({
    attempts: 4,
    initialMs: 10,
    budget,
    retryIf: (error, attempt) => {
      console.log(`attempt ${attempt} failed:`, error)
      return error instanceof BusyError && { afterMs: error.retryAfterMs }
    },
  }),
)

console.log(await lastValueFrom(answer$), 'after', calls, 'calls') // forty-two after 3 calls
console.log(budget.available, 'retries are left for everybody') // 8
