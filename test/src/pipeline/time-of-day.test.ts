import { expect, test } from 'vitest'
import { pipeline } from '../../../src/index.ts'
import { StepClock } from '../../../src/testing/step-clock.ts'

test('an outcome says when its request was submitted, although the machine has slept since the start', async () => {
  const clock = new StepClock()
  const running = pipeline<string>('p')
    .stage('one', () => new Promise<void>((resolve) => clock.setTimeout(resolve, 300)), { capacity: 1 })
    .start({ clock })
  const submittedAt = async (): Promise<number | undefined> => {
    const reply = running.submit('a')
    await clock.advance(300)
    return reply.settled?.timings.submittedAt
  }
  expect(await submittedAt()).toBe(0)
  clock.shiftWall(3_600_000)
  await clock.advance(1_000)
  expect(await submittedAt()).toBe(3_601_300)
  clock.shiftWall(-7_200_000)
  await clock.advance(1_000)
  expect(await submittedAt()).toBe(2_600 - 3_600_000)
})

test('the time of day is asked for once a second at most, however many requests end', () => {
  const clock = new StepClock()
  let asked = 0
  const wallTime = clock.wallTime.bind(clock)
  clock.wallTime = () => ((asked += 1), wallTime())
  const running = pipeline<string>('p')
    .stage('one', (text) => text, { capacity: 1 })
    .start({ clock })
  for (let count = 0; count < 100; count++) expect(running.submit('a').settled?.kind).toBe('completed')
  expect(asked).toBeLessThan(2)
})
