import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout } from 'node:timers'
import { config } from 'rxjs'

/** What has been reported of the play that the reporting timer was set in. */
const reports = new AsyncLocalStorage<unknown[]>()
let playing = 0
let before: typeof config.onUnhandledError = null

/**
 * What RxJS would throw where nobody can catch it while `play` is under way, such as an error that an operator throws
 * in an observer of its own, the first first. Others' errors, also of plays beside this one, go where they went before.
 */
export async function unhandledErrorsOf(play: () => Promise<void>): Promise<readonly unknown[]> {
  const errors: unknown[] = []
  if (playing === 0) {
    before = config.onUnhandledError
    config.onUnhandledError = report
  }
  playing += 1
  try {
    await reports.run(errors, play)
    // RxJS reports by a timer of no delay: those that are set already fire before this one.
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 0)
    })
  } finally {
    playing -= 1
    if (playing === 0) config.onUnhandledError = before
  }
  return errors
}

function report(error: unknown): void {
  const errors = reports.getStore()
  if (errors !== undefined) errors.push(error)
  else if (before !== null) before(error)
  else throw error
}
