import { expect, test } from 'vitest'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { pause } from '../../../src/workers/pause.ts'

test('resolves after its time, and not before', async () => {
  const clock = new VirtualClock()
  let over = false
  const waiting = pause(100, clock, new AbortController().signal).then(() => {
    over = true
  })
  await clock.advance(99)
  expect(over).toBe(false)
  await clock.advance(1)
  await waiting
  expect(over).toBe(true)
})

test('takes its timer back when it is aborted, and its listener when it is over', async () => {
  const clock = new VirtualClock()
  const call = new AbortController()
  const aborted = pause(100, clock, call.signal)
  call.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
  expect(clock.pending).toBe(0)

  const { signal } = new AbortController()
  let listeners = 0
  signal.addEventListener = () => {
    listeners++
  }
  signal.removeEventListener = () => {
    listeners--
  }
  const waiting = pause(100, clock, signal)
  expect(listeners).toBe(1)
  await clock.advance(100)
  await waiting
  expect(listeners).toBe(0)
})

test('sets no timer for a signal that is aborted already', async () => {
  const clock = new VirtualClock()
  await expect(pause(100, clock, AbortSignal.abort(new Error('before')))).rejects.toThrow('before')
  expect(clock.pending).toBe(0)
})
