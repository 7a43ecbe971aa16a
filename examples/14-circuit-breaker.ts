// A service that is down: after three failures in a row it is left alone, until a probe finds it well again.
import { Breaker, circuitBreaker, CircuitOpenError } from 'spillway/operators'
import { defer, lastValueFrom, of, throwError, timer } from 'rxjs'

const breaker = new Breaker({
  windowCalls: 3,
  failureRate: 1,
  openMs: 50,
  onStateChange: (to, from) => {
    console.log(from, '→', to)
  },
})

let isWell = false
let calls = 0
const call$ = defer(() => {
  calls += 1
  return isWell ? of('saved') : throwError(() => new Error('down'))
}).pipe(circuitBreaker(breaker))

for (let i = 0; i < 10; i++) {
  await lastValueFrom(call$).catch((error: unknown) => {
    if (error instanceof CircuitOpenError && i === 9) console.log('refused: try again in', error.retryAfterMs, 'ms')
  })
}
console.log('it was called', calls, 'times') // 3

isWell = true
await lastValueFrom(timer(60))
console.log(await lastValueFrom(call$), breaker.state) // saved closed
