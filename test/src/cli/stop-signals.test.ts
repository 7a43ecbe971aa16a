import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { stopSignal, type StopSignal } from '../../../src/cli/stop-signals.ts'
import { VirtualClock } from '../../../src/testing/index.ts'

test.each<[StopSignal, number, StopSignal, number[]]>([
  ['SIGINT', 0, 'SIGINT', []],
  ['SIGINT', 999, 'SIGINT', []],
  ['SIGINT', 1_000, 'SIGINT', [130]],
  ['SIGINT', 0, 'SIGTERM', [143]],
  ['SIGTERM', 0, 'SIGINT', [130]],
  ['SIGTERM', 0, 'SIGTERM', []],
  ['SIGTERM', 9_000, 'SIGTERM', [143]],
])('%s, and after %d ms %s', async (first, waitedMs, second, exits) => {
  const clock = new VirtualClock()
  const codes: number[] = []
  const source = Object.assign(new EventEmitter(), { exit: (code: number) => codes.push(code) })
  const cut: StopSignal[] = []
  const stopping = stopSignal(source, clock, (signal) => {
    expect(codes).toEqual([])
    cut.push(signal)
  })
  source.emit(first)
  await clock.advance(waitedMs)
  source.emit(second)
  expect(codes).toEqual(exits)
  expect(cut).toEqual(exits.map(() => second))
  expect(await stopping).toBe(first)
})
