import { NEVER, type Observable, Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { type Ledger, type OutcomeKind, pipeline, type Reply } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

interface Ask {
  readonly deadlineMs?: number
}

/** A slot for one: the second request starts when the first frees it, and looks at the first and at the books. */
function watching(first: () => Promise<string> | Observable<string>) {
  const clock = new VirtualClock()
  const seen: { readonly kind: OutcomeKind | undefined; readonly ledger: Ledger }[] = []
  const replies: Reply<string>[] = []
  let started = 0
  const running = pipeline<Ask>('p')
    .stage(
      'one',
      (): Promise<string> | Observable<string> => {
        if (++started === 1) return first()
        seen.push({ kind: replies[0]?.settled?.kind, ledger: running.ledger() })
        return NEVER
      },
      { capacity: 1 },
    )
    .start({ clock, stallTimeoutMs: 500 })
  return { clock, running, replies, seen }
}

describe('a handler that is started by the end of another request', () => {
  it.each<[OutcomeKind, string, () => { first: Promise<string> | Observable<string>; end?: () => void }]>([
    [
      'completed',
      'a value',
      () => {
        const { promise, resolve } = Promise.withResolvers<string>()
        return {
          first: promise,
          end: () => {
            resolve('a')
          },
        }
      },
    ],
    [
      'failed',
      'an error',
      () => {
        const { promise, reject } = Promise.withResolvers<string>()
        return {
          first: promise,
          end: () => {
            reject(new Error('no'))
          },
        }
      },
    ],
    [
      'completed',
      'the end of its stream',
      () => {
        const chunks$ = new Subject<string>()
        return {
          first: chunks$,
          end: () => {
            chunks$.complete()
          },
        }
      },
    ],
    [
      'failed',
      'an error of its stream',
      () => {
        const chunks$ = new Subject<string>()
        return {
          first: chunks$,
          end: () => {
            chunks$.error(new Error('no'))
          },
        }
      },
    ],
    ['cancelled', 'its caller', () => ({ first: NEVER })],
    ['expired', 'its deadline', () => ({ first: NEVER })],
  ])('finds the books and the reply of that other agree when it is %s by %s', async (kind, _, make) => {
    const { first, end } = make()
    const { clock, running, replies, seen } = watching(() => first)
    replies.push(running.submit(kind === 'expired' ? { deadlineMs: 100 } : {}))
    if (!(first instanceof Promise)) replies[0]!.output$.subscribe({ error: () => undefined })
    running.submit({})
    expect(seen).toEqual([])
    end?.()
    if (kind === 'cancelled') replies[0]!.cancel()
    await clock.advance(kind === 'expired' ? 100 : 0)
    expect(replies[0]!.settled?.kind).toBe(kind)
    const [look] = seen
    expect(look).toBeDefined()
    expect(look?.ledger).toMatchObject({
      submitted: 2,
      completed: 0,
      failed: 0,
      expired: 0,
      cancelled: 0,
      inFlight: look?.kind === undefined ? 2 : 1,
      ...(look?.kind !== undefined && { [look.kind]: 1 }),
    })
  })
})
