import { NEVER, Observable, type ObservableInput } from 'rxjs'
import type { Clock } from '../../operators/index.ts'
import { InjectedError } from './injected-error.ts'
import type { WorkEnd } from './operator-books.ts'
import type { PlannedItem } from './operator-scenario.ts'

/** What the work on one item tells the run that it is part of. */
export interface WorkHost {
  readonly clock: Clock
  /** Called in the moment in which it ends, before the operator hears of it. */
  ended(end: WorkEnd): void
  /** Counts the subscriptions to it: 1 for a new one, -1 for one that is over. */
  subscribed(change: 1 | -1): void
}

/** Does what is planned for an item: what a project returns. */
export function planWork<T>(
  outputs: readonly T[],
  { gives, serviceMs, fault }: PlannedItem,
  host: WorkHost,
  signal: AbortSignal | undefined,
): ObservableInput<T> {
  const { clock } = host
  const error = new InjectedError('injected')
  switch (fault) {
    case 'throw':
      host.ended({ kind: 'failed', error, later: false })
      throw error
    case 'crash':
      host.ended({ kind: 'failed', later: false })
      return 42 as unknown as ObservableInput<T>
    case 'hang':
      return NEVER
    case 'reject':
    case undefined:
  }
  const end: Omit<WorkEnd, 'later'> = fault === undefined ? { kind: 'completed' } : { kind: 'failed', error }
  if (gives === 'promise') {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        if (signal?.aborted === true) return
        host.ended({ ...end, later: true })
        if (fault === undefined) resolve(outputs[0] as T)
        else reject(error)
      }
      if (serviceMs === 0) settle()
      else clock.setTimeout(settle, serviceMs)
    })
  }
  return new Observable<T>((subscriber) => {
    let timer: unknown
    let given = 0
    host.subscribed(1)
    subscriber.add(() => {
      host.subscribed(-1)
      clock.clearTimeout(timer)
    })
    const go = (): void => {
      for (;;) {
        if (given < outputs.length) subscriber.next(outputs[given++] as T)
        if (subscriber.closed) return
        if (given >= outputs.length) break
        if (serviceMs === 0) continue
        timer = clock.setTimeout(go, serviceMs)
        return
      }
      host.ended({ ...end, later: false })
      if (fault === undefined) subscriber.complete()
      else subscriber.error(error)
    }
    if (serviceMs === 0) go()
    else timer = clock.setTimeout(go, serviceMs)
  })
}
