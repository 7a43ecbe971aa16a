import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { SilenceWatch } from '../../../src/server/silence-watch.ts'
import { VirtualClock } from '../../../src/testing/index.ts'

/** A WebSocket that is watched with pings each 1,000 ms and 4,000 ms for what it is owed. */
function watched(answers: boolean) {
  const clock = new VirtualClock()
  const events = new EventEmitter()
  const told: number[] = []
  const pings: number[] = []
  const transport = { bytesWritten: 0, writableLength: 0 }
  const socket = {
    on: events.on.bind(events) as never,
    bufferedAmount: 0,
    ping(): void {
      pings.push(clock.now())
      if (answers) events.emit('pong')
    },
  }
  const onSilent = (): void => {
    told.push(clock.now())
  }
  const watch = new SilenceWatch({ socket, transport, clock, heartbeatMs: 1_000, unreadTimeoutMs: 4_000, onSilent })
  return { clock, socket, transport, watch, pings, told }
}

test('a client that answers is pinged at each heartbeat, however long it says nothing', async () => {
  const { clock, pings, told, watch } = watched(true)
  await clock.advance(10_000)
  expect(pings).toEqual(Array.from({ length: 10 }, (_, index) => (index + 1) * 1_000))
  expect(told).toEqual([])
  watch.stop()
  expect(clock.pending).toBe(0)
})

test('a client that does not answer is told of once, and no timer is left', async () => {
  const { clock, pings, told } = watched(false)
  await clock.advance(20_000)
  expect(pings).toEqual([1_000])
  expect(told).toEqual([5_000])
  expect(clock.pending).toBe(0)
})

test('a client that takes what it is sent, however slowly, is not told of until it stops', async () => {
  const { clock, socket, transport, told } = watched(true)
  socket.bufferedAmount = 100
  for (let seconds = 0; seconds < 20; seconds++) {
    if (seconds % 3 === 0) transport.bytesWritten += 1
    await clock.advance(1_000)
  }
  expect(told).toEqual([])
  await clock.advance(10_000)
  expect(told).toEqual([23_000])
})
