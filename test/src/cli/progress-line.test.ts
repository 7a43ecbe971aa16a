import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createProgressLine } from '../../../src/cli/progress-line.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

function terminal(isTTY: boolean): PassThrough & { isTTY: boolean; columns: number } {
  return Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY, columns: 80 })
}

test('a terminal is shown how far the work is, as far as that is known', async () => {
  const clock = new VirtualClock()
  const output = terminal(true)
  const line = createProgressLine(output, clock, 'dead letters')
  line.show({ done: 50, total: 200 })
  expect(output.read()).toBeNull()
  await clock.advance(500)
  line.show({ done: 100, total: 200, source: 'a\u001bb' })
  expect(output.read()).toBe('[############............] 100 of 200 dead letters, 200 a second: a\ufffdb')
  await clock.advance(500)
  line.show({ done: 150 })
  expect(output.read()).toMatch(/150 dead letters, 150 a second$/)
  // Another piece of work begins.
  await clock.advance(1_000)
  line.show({ done: 1, total: 2 })
  line.end()
  expect(output.read()).toContain('1 of 2 dead letters')
})

test('elsewhere nothing is shown', async () => {
  const clock = new VirtualClock()
  const output = terminal(false)
  const line = createProgressLine(output, clock)
  await clock.advance(500)
  line.show({ done: 1, total: 2 })
  line.end()
  expect(output.read()).toBeNull()
})
