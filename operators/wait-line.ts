import { type Linked, LinkedList } from './linked-list.ts'

/** One who waits: for room (with what it brings) or for a value. */
interface Waiter<Brought, Given> extends Linked {
  readonly brought: Brought
  readonly resolve: (given: Given) => void
  readonly reject: (reason: unknown) => void
  readonly forget: () => void
}

/** Those who wait for something, first come, first served; each can leave by its `AbortSignal`. */
export class WaitLine<Brought, Given> {
  private readonly waiters = new LinkedList<Waiter<Brought, Given>>()

  get length(): number {
    return this.waiters.size
  }

  /** What the first in line brings; `undefined` when nobody waits. */
  get first(): Brought | undefined {
    return this.waiters.first?.brought
  }

  /**
   * Joins the line; the promise resolves when it is this waiter's turn, and rejects with the signal's
   * reason when it leaves.
   *
   * @param onLeave Called when the waiter left by its signal.
   */
  join(brought: Brought, signal: AbortSignal | undefined, onLeave?: () => void): Promise<Given> {
    return new Promise<Given>((resolve, reject) => {
      const leave = (): void => {
        this.waiters.delete(waiter)
        onLeave?.()
        reject(signal?.reason)
      }
      const waiter: Waiter<Brought, Given> = {
        brought,
        resolve,
        reject,
        forget: () => signal?.removeEventListener('abort', leave),
        next: undefined,
        previous: undefined,
        listed: false,
      }
      this.waiters.add(waiter)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }

  /** Serves the first in line. */
  serve(given: Given): void {
    const waiter = this.waiters.shift()
    waiter?.forget()
    waiter?.resolve(given)
  }

  /** Sends the first in line away with an error. */
  refuse(reason: Error): void {
    const waiter = this.waiters.shift()
    waiter?.forget()
    waiter?.reject(reason)
  }

  /** Sends everybody away with an error. */
  dismiss(reason: Error): void {
    while (this.length > 0) this.refuse(reason)
  }
}
