import { mergeMap, of, Subject } from 'rxjs'
import type { Contender } from './contender.ts'
import { type Answer, assemble, type BenchRequest, createRequest, inference, post, rag, stream } from './workload.ts'

interface Item<T> {
  readonly value: T
  /** Its caller. */
  readonly resolve: (answer: Answer) => void
}

/** Five `mergeMap`s in a row: no bound, no books, no deadline. Each caller waits for a promise of the answer. */
export function createMergeMapContender(): Contender<Answer> {
  const source$ = new Subject<Item<BenchRequest>>()
  let completed = 0
  source$
    .pipe(
      mergeMap(({ value, resolve }) => of({ value: rag(value), resolve }), 64),
      mergeMap(({ value, resolve }) => of({ value: assemble(value), resolve }), 64),
      mergeMap(({ value, resolve }) => of({ value: inference(value), resolve }), 64),
      mergeMap(({ value, resolve }) => of({ value: post(value), resolve }), 64),
      mergeMap(({ value, resolve }) => of({ value: stream(value), resolve }), 64),
    )
    .subscribe({
      next: ({ value, resolve }) => {
        completed += 1
        resolve(value)
      },
      error: (error: unknown) => {
        throw error
      },
    })
  return {
    submit: (id) =>
      new Promise((resolve) => {
        source$.next({ value: createRequest(id), resolve })
      }),
    textOf: ({ text }) => text,
    async check(expected) {
      if (completed !== expected) throw new Error(`${expected} requests have completed, ${completed} were counted`)
    },
  }
}
