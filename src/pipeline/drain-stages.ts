import { merge, type Observable, Subscription } from 'rxjs'
import { type Clock, reportUnhandled } from '../../operators/index.ts'
import type { LedgerBook } from './ledger.ts'
import type { Stage } from './stage-context.ts'
import type { StageSupervision } from './stage-supervision.ts'

/** What a drain looks at and acts on. */
export interface Drainable {
  readonly clock: Clock
  readonly nodes: readonly Stage[]
  readonly supervision: StageSupervision
  readonly book: LedgerBook
  /** Emits after each end of a request. */
  readonly ends$: Observable<unknown>
}

/**
 * Drains the stages from the source to the sink, each once the one before has stopped, then waits for the
 * readers of the last streams. New requests must be refused already.
 *
 * @returns Whether all was done within `timeoutMs`; afterwards nothing is watched any more.
 */
export function drainStages(
  { clock, nodes, supervision, book, ends$ }: Drainable,
  timeoutMs: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    // There before the subscription, within which all can be over.
    const changes = new Subscription()
    const finish = (inTime: boolean): void => {
      clock.clearTimeout(timer)
      changes.unsubscribe()
      resolve(inTime)
    }
    const advance = (): void => {
      const next = nodes.find(({ state }) => state !== 'stopped' && state !== 'failed')
      if (next === undefined) {
        if (book.inFlight === 0) finish(true)
      } else if (next.state === 'running' || next.state === 'paused') {
        supervision.drain(next)
      }
    }
    const timer = clock.setTimeout(() => {
      finish(false)
    }, timeoutMs)
    changes.add(merge(supervision.events$, ends$).subscribe({ next: advance, error: reportUnhandled }))
    advance()
  })
}
