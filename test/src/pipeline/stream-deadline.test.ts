import { NEVER, of, startWith } from 'rxjs'
import { expect, test } from 'vitest'
import { ExpiredError, pipeline } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

interface Ask {
  readonly deadlineMs: number
}

test('a deadline that passes while a stream is read names the stage that makes it', async () => {
  const clock = new VirtualClock()
  const running = pipeline<Ask>('p')
    .stage('ask', ({ deadlineMs }) => deadlineMs, { capacity: 4 })
    .stage('infer', () => NEVER.pipe(startWith('a')), { capacity: 4 })
    .stage('post', (text$) => text$, { capacity: 4 })
    .start({ clock })
  const reply = running.submit({ deadlineMs: 100 })
  const errors: unknown[] = []
  reply.output$.subscribe({ error: (error: unknown) => errors.push(error) })
  await clock.advance(100)
  expect(await reply.outcome).toMatchObject({ kind: 'expired', stage: 'infer', reason: 'deadline' })
  expect(errors).toEqual([expect.any(ExpiredError)])
  expect(errors).toMatchObject([{ stage: 'infer' }])
  expect(running.stages.infer).toMatchObject({ running: 0 })
})

test('a deadline that passes before a stream is read names the stage that made it', async () => {
  const clock = new VirtualClock()
  const running = pipeline<Ask>('p')
    .stage('infer', () => of('a'), { capacity: 4 })
    .stage('post', (text$) => text$, { capacity: 4 })
    .start({ clock })
  const reply = running.submit({ deadlineMs: 100 })
  await clock.advance(100)
  expect(reply.settled).toMatchObject({ kind: 'expired', stage: 'infer' })
})
