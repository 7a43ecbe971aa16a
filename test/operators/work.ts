import fc from 'fast-check'
import { concatWith, EMPTY, map, mergeMap, NEVER, type ObservableInput, of, take, throwError, timer } from 'rxjs'
import type { VirtualClock } from '../../src/testing/index.ts'

/** What a project does with an item. */
export type Work =
  | { readonly kind: 'of' | 'array' | 'timers'; readonly outputs: number; readonly everyMs: number }
  | { readonly kind: 'empty' | 'throws' | 'errors' | 'resolves' | 'rejects' | 'is no input' | 'never ends' }
  | { readonly kind: 'errors late'; readonly outputs: number; readonly everyMs: number }

export const anyWork: fc.Arbitrary<Work> = fc.oneof(
  fc.record({
    kind: fc.constantFrom(
      'of' as const,
      'array' as const,
      'timers' as const,
      'timers' as const,
      'errors late' as const,
    ),
    outputs: fc.integer({ min: 1, max: 3 }),
    everyMs: fc.integer({ min: 0, max: 20 }),
  }),
  fc.record({
    kind: fc.constantFrom('empty', 'throws', 'errors', 'resolves', 'rejects', 'is no input', 'never ends'),
  }) as fc.Arbitrary<Work>,
)

export interface Output {
  readonly item: number
  readonly part: number
}

class ItemError extends Error {
  readonly item: number

  constructor(item: number) {
    super(`item ${item}`)
    this.item = item
  }
}

/** The kinds of work whose end is a failure. */
export const failing: ReadonlySet<string> = new Set(['throws', 'errors', 'rejects', 'is no input', 'errors late'])

/** How many outputs work gives when it is left alone. */
export function outputsOf(work: Work): number {
  if ('outputs' in work) return work.outputs
  return work.kind === 'resolves' ? 1 : 0
}

/** What the project gives for the item. */
export function doWork(work: Work, item: number, clock: VirtualClock): ObservableInput<Output> {
  const outputs = Array.from({ length: outputsOf(work) }, (_, part): Output => ({ item, part }))
  switch (work.kind) {
    case 'of':
      return of(...outputs)
    case 'array':
      return outputs
    case 'empty':
      return EMPTY
    case 'never ends':
      return NEVER
    case 'throws':
      throw new ItemError(item)
    case 'errors':
      return throwError(() => new ItemError(item))
    case 'resolves':
      return Promise.resolve(outputs[0]!)
    case 'rejects':
      return Promise.reject(new ItemError(item))
    case 'is no input':
      return 42 as unknown as ObservableInput<Output>
    case 'timers':
    case 'errors late': {
      const parts$ = timer(work.everyMs, work.everyMs, clock).pipe(
        take(outputs.length),
        map((part) => outputs[part]!),
      )
      if (work.kind === 'timers') return parts$
      return parts$.pipe(concatWith(timer(1, clock).pipe(mergeMap(() => throwError(() => new ItemError(item))))))
    }
  }
}
