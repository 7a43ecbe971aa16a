import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pipeline } from '../../../src/index.ts'
import { failureOf } from './failure-of.ts'

interface Sized {
  readonly size: number
}

test.each([
  ['mapped', fc.nat({ max: 1000 }).map((size): Sized => ({ size }))],
  ['chained', fc.constantFrom(1000, 2000).chain((max) => fc.record({ size: fc.nat({ max }) }))],
])('a %s request shrinks to the smallest that fails', async (_, request) => {
  let largest = 0
  const subject = (): ReturnType<typeof made> => {
    largest = 0
    return made()
  }
  const made = () =>
    pipeline<Sized>('sizes').stage('measure', ({ size }) => (largest = Math.max(largest, size)), { capacity: 2 })
  const check = (): void => {
    if (largest > 500) throw new Error(`${largest} is too much`)
  }
  // Shrinking finds a smallest case by trying, and now and then ends at another: this is seen to hold for a seed.
  const { seed = 1 } = fc.readConfigureGlobal()
  const { message, scenario } = await failureOf(subject, { request, check, seed })
  expect(message).toContain('501 is too much')
  expect(scenario.match(/request \d+ \{"size":(?:0|501)\} arrives/g)).toHaveLength(1)
})
