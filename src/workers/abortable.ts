/**
 * Runs `start` with a signal of its own, and settles as it does; when the caller's signal is aborted, rejects at
 * once with that signal's reason, whatever `start` does about it. `start` is not run for a signal that is aborted.
 */
export function abortable<T>(start: (signal: AbortSignal) => Promise<T>, caller: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    if (caller?.aborted === true) {
      reject(caller.reason as Error)
      return
    }
    const call = new AbortController()
    const onAbort = (): void => {
      call.abort(caller?.reason)
      reject(caller?.reason as Error)
    }
    caller?.addEventListener('abort', onAbort, { once: true })
    // A promise that has been rejected by the abort ignores what comes here afterwards.
    start(call.signal)
      .then(resolve, reject)
      .finally(() => caller?.removeEventListener('abort', onAbort))
  })
}
