import { concat, NEVER, of, range } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { type BoundedBufferOptions, dropNewest, type ItemOutcome } from '../../operators/index.ts'
import { listener } from './listener.ts'

describe('dropNewest', () => {
  test('sheds what finds neither a slot nor room; those that wait keep their places', () => {
    const outcomes: string[] = []
    const values: number[] = []
    const onOutcome = ({ kind, value, reason }: ItemOutcome<number>): void => {
      outcomes.push(`${kind} ${value} ${reason ?? ''}`.trim())
    }
    concat(range(1, 5), NEVER)
      .pipe(dropNewest((value) => concat(of(value), NEVER), { capacity: 2, concurrency: 1, onOutcome }))
      .subscribe(listener((value) => values.push(value)))
      .unsubscribe()
    expect(values).toEqual([1])
    expect(outcomes).toEqual(['shed 4 full', 'shed 5 full', 'discarded 2', 'discarded 3', 'discarded 1'])
  })

  const bad: readonly (readonly [string, unknown, typeof Error])[] = [
    ['capacity', {}, TypeError],
    ['capacity', { capacity: -1 }, RangeError],
    ['concurrency', { capacity: 1, concurrency: 0 }, RangeError],
    ['onSourceError', { capacity: 1, onSourceError: 'wait' }, RangeError],
    ['onOutcome', { capacity: 1, onOutcome: true }, TypeError],
    ['"timeout"', { capacity: 1, timeout: 1 }, TypeError],
  ]
  test.each(bad)('a bad %s is refused by name, before anything is subscribed: %j', (name, options, type) => {
    const create = (): unknown => dropNewest((value) => of(value), options as BoundedBufferOptions<unknown>)
    expect(create).toThrow(type)
    expect(create).toThrow(name)
  })

  test('a project that is no function is refused', () => {
    expect(() => dropNewest(1 as unknown as () => typeof NEVER, { capacity: 1 })).toThrow('project must be a function')
  })
})
