import { catchError, concat, defer, EMPTY, finalize, from, isObservable, type ObservableInput, throwError } from 'rxjs'
import { type AnyActorLogic, type AnyActorRef, type AnyMachineSnapshot, fromObservable } from 'xstate'
import { reportUnhandled, show } from '../operators/index.ts'
import type { ChildContext, ChildStart } from './child-spec.ts'
import { isPromiseLike } from './is-promise-like.ts'

/** What tells a child that it is to stop. */
export const stopEvent = { type: 'stop' } as const

/** What tells an actor's logic that it is stopped. */
const stopped = { type: 'xstate.stop' } as const

/** The signals that children's functions have looked at, by the actor that runs the function. */
const controllers = new WeakMap<AnyActorRef, AbortController>()

/** Whether a child would heed `stopEvent` now. */
export function canBeAsked(child: AnyActorRef): boolean {
  const snapshot = child.getSnapshot() as Partial<AnyMachineSnapshot>
  if (snapshot.status !== 'active') return false
  try {
    return controllers.has(child) || takesStop(snapshot)
  } catch {
    // A guard of the child's own threw.
    return false
  }
}

/** By its name: a handler of `'*'` does not know that it is to stop, and would only be waited for. */
function takesStop(snapshot: Partial<AnyMachineSnapshot>): boolean {
  return (
    snapshot.can?.(stopEvent) === true &&
    snapshot.machine?.getTransitionData(snapshot as AnyMachineSnapshot, stopEvent).some(isNamed) === true
  )
}

function isNamed({ eventType }: { readonly eventType: string }): boolean {
  return eventType !== '*'
}

/** Actor logic that runs a child's function: it is done, or in error, when the Observable or the promise is. */
export function fromStart(id: string, start: ChildStart): AnyActorLogic {
  const logic = fromObservable<unknown, undefined>(({ self }) =>
    // Both `concat` and `catchError` let go of what has ended before they pass its end on: the supervisor, which answers
    // at once, hears of it when all is torn down.
    // eslint-disable-next-line rxjs-x/no-unnecessary-collection -- alone it would pass its end on first.
    concat(
      defer(() => from(checkGiven(id, start(contextOf(self))))).pipe(
        finalize(() => {
          controllers.get(self)?.abort()
        }),
        // Whoever was asked to stop and fails with the reason has done as it was told.
        catchError((error: unknown) => (isReason(self, error) ? EMPTY : throwError(() => error))),
      ),
    ),
  )
  return {
    ...logic,
    transition: (snapshot, event: { readonly type: string }, scope) => {
      if (event.type !== stopEvent.type) return logic.transition(snapshot, event, scope)
      controllers.get(scope.self)?.abort()
      return snapshot
    },
  } satisfies typeof logic
}

/**
 * The same logic, which lets go of what it holds when it fails, as when it is stopped: XState leaves the children of a
 * machine whose action throws to themselves, and a callback that throws undisposed.
 */
export function lettingGo(logic: AnyActorLogic): AnyActorLogic {
  const guarded: Pick<AnyActorLogic, 'transition'> = {
    transition: (snapshot, event, scope) => {
      try {
        return logic.transition(snapshot, event, scope) as unknown
      } catch (error) {
        const { children } = snapshot as { readonly children?: Readonly<Record<string, AnyActorRef>> }
        // What a machine puts off in a transition that fails, such as stopping its children, is never done.
        if (children !== undefined) for (const child of Object.values(children)) scope.stopChild(child)
        // One that fails as it lets go has done so: a second time would fail for want of what is gone.
        else if ((event as { readonly type: string }).type !== stopped.type) {
          try {
            logic.transition(snapshot, stopped, scope)
          } catch (another) {
            reportUnhandled(another)
          }
        }
        throw error
      }
    },
  }
  return Object.assign(Object.create(logic) as AnyActorLogic, guarded)
}

/** RxJS would take any other iterable, too, such as the letters of a text. */
function checkGiven(id: string, given: unknown): ObservableInput<unknown> {
  if (isObservable(given) || isPromiseLike(given)) return given
  throw new TypeError(`child ${show(id)}: start must give an Observable or a promise, got ${show(given)}`)
}

/** The signal is made when it is looked at, so that it is known who can be asked. */
function contextOf(self: AnyActorRef): ChildContext {
  return {
    get signal() {
      const controller = controllers.get(self) ?? new AbortController()
      controllers.set(self, controller)
      if ((self.getSnapshot() as { readonly status: string }).status !== 'active') controller.abort()
      return controller.signal
    },
  }
}

function isReason(self: AnyActorRef, error: unknown): boolean {
  const signal = controllers.get(self)?.signal
  return signal?.aborted === true && signal.reason === error
}
