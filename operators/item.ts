import type { Subscriber } from 'rxjs'
import type { Linked } from './linked-list.ts'
import type { ProjectContext } from './project.ts'

/** One item of an operator from its arrival to its end. */
export class Item<T> implements ProjectContext, Linked {
  readonly value: T
  readonly arrivedAt: number
  startedAt = -1
  inner: Subscriber<unknown> | undefined
  next: this | undefined = undefined
  previous: this | undefined = undefined
  listed = false
  private controller: AbortController | undefined
  private aborted = false

  constructor(value: T, arrivedAt: number) {
    this.value = value
    this.arrivedAt = arrivedAt
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.aborted) this.controller.abort()
    }
    return this.controller.signal
  }

  abort(): void {
    this.aborted = true
    this.inner?.unsubscribe()
    this.controller?.abort()
  }
}
