import { type Observable, Subject } from 'rxjs'
import { RingBuffer } from '../../operators/index.ts'
import type { Outcome } from './outcome.ts'

/** Somebody who can be told how a request ended. */
export interface Told {
  readonly settled: Outcome<unknown> | undefined
  /** Whoever listens to all has been told. */
  announced: boolean
  tell(): void
}

/** How deep telling may nest on one call stack, when those who are told submit again and are refused at once. */
const deepestNesting = 12

/** Tells the ends of requests: to the reply of each, and to whoever listens to all. */
export class Teller {
  /** How every request ends; nothing is made for it while nobody listens. */
  readonly outcomes$: Observable<Outcome<unknown>>
  private readonly outcomes = new Subject<Outcome<unknown>>()
  private readonly untold = new RingBuffer<Told>()
  private nesting = 0

  constructor() {
    this.outcomes$ = this.outcomes.asObservable()
  }

  /** Tells at once (again, where somebody asks only after the end) or, too deep within another's telling, when the outermost is done. */
  tell(request: Told): void {
    if (this.nesting >= deepestNesting) {
      this.untold.push(request)
      return
    }
    this.nesting += 1
    try {
      this.tellNow(request)
      if (this.nesting > 1) return
      for (let next = this.untold.shift(); next !== undefined; next = this.untold.shift()) this.tellNow(next)
    } finally {
      this.nesting -= 1
    }
  }

  /** Ends `outcomes$`. */
  close(): void {
    this.outcomes.complete()
  }

  private tellNow(request: Told): void {
    request.tell()
    if (request.announced) return
    request.announced = true
    if (this.outcomes.observed && request.settled !== undefined) this.outcomes.next(request.settled)
  }
}
