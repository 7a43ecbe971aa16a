import { Subject } from 'rxjs'
import { expect, test } from 'vitest'
import { pipeline } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/index.ts'

test('a stream that is held for a reader who has left is cancelled stallTimeoutMs after that, not before', async () => {
  const chunks$ = new Subject<string>()
  const clock = new VirtualClock()
  const running = pipeline<string>('p')
    .stage('infer', () => chunks$, { capacity: 1 })
    .start({ clock, stallTimeoutMs: 1000 })
  const reply = running.submit('x')
  const reader = reply.batches()
  const first = reader.next()
  reply.hold(5000)
  chunks$.next('a')
  await first
  chunks$.next('b')
  await clock.advance(5999)
  expect(reply.settled).toBeUndefined()
  reply.hold(2000)
  await clock.advance(2000)
  reply.hold(0)
  await clock.advance(999)
  expect(reply.settled).toBeUndefined()
  await clock.advance(1)
  expect(reply.settled).toMatchObject({ kind: 'cancelled' })
  expect(() => reply.hold(-1)).toThrow('ms must be a number from 0')
})
