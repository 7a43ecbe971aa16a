import { expect, test } from 'vitest'
import { StoreProbe } from '../../../src/stores/store-probe.ts'
import type { DeadLetterCounts } from '../../../src/stores/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { LetterShelf, letterOf } from '../../fixtures/letter-shelf.ts'

test('who asks at the same time is told by one call', async () => {
  const shelf = new LetterShelf().add(letterOf('s1'))
  let calls = 0
  const clock = new VirtualClock()
  const probe = new StoreProbe(() => ((calls += 1), shelf.counts()), clock)
  const [one, other] = await Promise.all([probe.read(), probe.read()])
  expect([one?.due, other, calls]).toEqual([1, one, 1])
  await probe.read()
  expect([calls, clock.pending]).toEqual([2, 0])
})

test('a store that fails is away, until it is back', async () => {
  const shelf = new LetterShelf()
  const probe = new StoreProbe(() => shelf.counts(), new VirtualClock())
  shelf.away = new Error('gone')
  expect(await probe.read()).toBeUndefined()
  shelf.away = undefined
  expect(await probe.read()).toMatchObject({ due: 0 })
})

test('a store that does not answer is waited for no longer than said, and not asked again meanwhile', async () => {
  const clock = new VirtualClock()
  const answers: ((counts: DeadLetterCounts) => void)[] = []
  const signals: AbortSignal[] = []
  const ask = (signal: AbortSignal): Promise<DeadLetterCounts> =>
    new Promise((resolve) => {
      answers.push(resolve)
      signals.push(signal)
    })
  const probe = new StoreProbe(ask, clock, 1_000)
  const reads = [probe.read()]
  await clock.advance(600)
  reads.push(probe.read())
  await clock.advance(400)
  expect(signals[0]!.aborted).toBe(true)
  await clock.advance(600)
  expect(await Promise.all(reads)).toEqual([undefined, undefined])
  expect([answers.length, clock.pending]).toEqual([1, 0])
  answers[0]!(await new LetterShelf().counts())
  await clock.advance(0)
  const again = probe.read()
  answers[1]!(await new LetterShelf().counts())
  expect(await again).toMatchObject({ dead: 0 })
})
