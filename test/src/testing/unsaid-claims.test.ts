import { mergeMap, type OperatorFunction } from 'rxjs'
import { expect, test } from 'vitest'
import { type Item, operator, type OperatorParts } from '../../../src/testing/index.ts'
import { failureOf } from './failure-of.ts'

/** As RxJS has it: it tells nobody how an item ended. */
const silent = ({ project }: OperatorParts): OperatorFunction<Item, unknown> => mergeMap((item) => project(item))

test('an operator that tells no outcome at all is told of onOutcome', async () => {
  const { message } = await failureOf(operator(silent, { capacity: Infinity, concurrency: 100 }))
  expect(message).toContain('but no outcome was told (onOutcome was never called)')
})

test('what an operator is held to by default is named in the scenario', async () => {
  const plain = await failureOf(operator(silent, { capacity: 4, overflow: 'drop-oldest' }))
  expect(plain.scenario).toMatch(
    /^ {2}capacity 4, overflow drop-oldest; by default concurrency 1, onSourceError drain, no ttlMs\n/,
  )
  const lanes = await failureOf(operator(silent, { capacity: 4, ttlMs: 5, key: ({ key }) => key, perKeyCapacity: 1 }))
  expect(lanes.scenario).toMatch(
    /; by default concurrency Infinity, perKeyConcurrency 1, overflow drop-newest, [^\n]*\n/,
  )
})
