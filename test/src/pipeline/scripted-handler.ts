import { isObservable, map, Observable } from 'rxjs'
import { StageCrash } from '../../../actors/index.ts'
import type { Clock } from '../../../operators/index.ts'
import type { HandlerContext } from '../../../src/handler.ts'
import type { Step } from './scenario.ts'

/** Does what a step says with what the stage was given; every stage leaves its mark on what passes. */
export function act(step: Step, input: unknown, mark: string, context: HandlerContext): unknown {
  const { clock, signal } = context
  const due = (): unknown => {
    switch (step.act) {
      case 'value':
        return isObservable(input) ? marked(input, mark) : `${String(input)}.${mark}`
      case 'stream':
        return isObservable(input) ? marked(input, mark) : scriptedStream(step, String(input), mark, context)
      case 'collect':
        return isObservable(input)
          ? last(input, (context.request as { readonly id: string }).id, signal).then(
              (text) => `${String(text)}.${mark}`,
            )
          : `${String(input)}.${mark}`
      case 'reject':
        return Promise.reject(new Error('rejected'))
      case 'throw':
        throw new Error('thrown')
      case 'crash':
        throw new StageCrash('crashed')
      case 'hang':
        return new Promise(() => undefined)
      case 'heed':
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reject(new Error('heeded'))
          })
        })
    }
  }
  return step.ms === 0 ? due() : after(clock, step.ms).then(due)
}

function after(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimeout(resolve, ms)
  })
}

function marked(input: Observable<unknown>, mark: string): Observable<unknown> {
  return input.pipe(map((chunk) => `${String(chunk)}.${mark}`))
}

/** The last chunk of a stream, whose subscription ends with the signal. */
function last(input: Observable<unknown>, otherwise: string, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let latest: unknown = otherwise
    const subscription = input.subscribe({
      next: (chunk) => (latest = chunk),
      error: reject,
      complete: () => {
        resolve(latest)
      },
    })
    signal.addEventListener('abort', () => {
      subscription.unsubscribe()
      reject(new Error('heeded'))
    })
  })
}

function scriptedStream(step: Step, input: string, mark: string, context: HandlerContext): Observable<string> {
  return new Observable((subscriber) => {
    const give = async (): Promise<void> => {
      for (let index = 0; index < step.chunks; index++) {
        if (step.chunkMs > 0) await after(context.clock, step.chunkMs)
        if (subscriber.closed) return
        if (step.breaks && index === step.chunks - 1) throw new Error('broken')
        subscriber.next(`${input}#${index}.${mark}`)
        if (step.polite) await context.ready()
      }
      subscriber.complete()
    }
    give().catch((error: unknown) => {
      subscriber.error(error)
    })
  })
}
