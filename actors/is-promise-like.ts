/** Whether a result is to be awaited. */
export function isPromiseLike<R>(result: R | PromiseLike<R>): result is PromiseLike<R> {
  return typeof result === 'object' && result !== null && 'then' in result && typeof result.then === 'function'
}
