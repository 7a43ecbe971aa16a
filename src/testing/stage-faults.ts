import { StageCrash } from '../../actors/index.ts'
import type { Handler, HandlerContext } from '../handler.ts'
import { InjectedError } from './injected-error.ts'
import type { PlannedRequest } from './pipeline-scenario.ts'

/** Calls a stage's handler as a scenario has it: late, or not at all because something goes wrong instead. */
export function actWithFaults(
  { delayMs, fault }: PlannedRequest['steps'][number],
  handler: Handler<unknown, unknown>,
  input: unknown,
  context: HandlerContext,
): unknown {
  const act = (): unknown => {
    switch (fault) {
      case 'throw':
        throw new InjectedError('injected')
      case 'reject':
        return Promise.reject(new InjectedError('injected'))
      case 'crash':
        throw new StageCrash('injected')
      case 'hang':
        return new Promise(() => undefined)
      case undefined:
        return handler(input, context)
    }
  }
  if (delayMs === 0) return act()
  return new Promise<void>((resolve) => {
    context.clock.setTimeout(resolve, delayMs)
  }).then(() => {
    // A handler of a user's is not called for nothing.
    context.signal.throwIfAborted()
    return act()
  })
}
