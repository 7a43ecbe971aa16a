import { Observable } from 'rxjs'
import type { VirtualClock } from '../../src/testing/index.ts'

/** What one column of a picture stands for. */
const columnMs = 10

/** The moments of a picture: `-` is a column without anything, `(…)` is one column with several things. */
function columns(picture: string): readonly string[] {
  return [...picture.matchAll(/\(([^)]*)\)|[^()]/g)].map(([all, group]) => group ?? all)
}

/** The observable that a picture shows: letters are values, `|` completes, `#` fails. */
export function marbles(clock: VirtualClock, picture: string): Observable<string> {
  return new Observable((subscriber) => {
    columns(picture).forEach((column, index) => {
      subscriber.add(
        clock.schedule(() => {
          for (const mark of column) {
            if (mark === '|') subscriber.complete()
            else if (mark === '#') subscriber.error(new Error('#'))
            else if (mark !== '-') subscriber.next(mark)
          }
        }, index * columnMs),
      )
    })
  })
}

/** Draws what an observable does from now on; the function gives the picture as it is then. */
export function draw(clock: VirtualClock, observable$: Observable<string>): () => string {
  const from = clock.now()
  const drawn: string[] = []
  const mark = (what: string): void => {
    const column = Math.round((clock.now() - from) / columnMs)
    drawn[column] = (drawn[column] ?? '') + what
  }
  observable$.subscribe({
    next: mark,
    error: () => {
      mark('#')
    },
    complete: () => {
      mark('|')
    },
  })
  return () =>
    Array.from(drawn, (marks: string | undefined) =>
      marks === undefined ? '-' : marks.length > 1 ? `(${marks})` : marks,
    ).join('')
}
