import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RingBuffer } from '../../operators/ring-buffer.ts'
import { scaled } from '../effort.ts'

type Step =
  | { readonly do: 'push' | 'unshift' | 'indexOf'; readonly value: number }
  | { readonly do: 'shift' }
  | { readonly do: 'at' | 'removeAt'; readonly index: number }

const values = fc.nat({ max: 30 })
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('push', 'unshift', 'indexOf'), value: values }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('shift') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('at', 'removeAt'), index: fc.nat({ max: 12 }) }) },
)

function doTo(line: RingBuffer<number>, step: Step): unknown {
  switch (step.do) {
    case 'push':
    case 'unshift':
    case 'indexOf':
      return line[step.do](step.value)
    case 'shift':
      return line.shift()
    case 'at':
    case 'removeAt':
      return line[step.do](step.index)
  }
}

function doToArray(line: number[], step: Step): unknown {
  switch (step.do) {
    case 'push':
    case 'unshift':
      line[step.do](step.value)
      return undefined
    case 'indexOf':
      return line.indexOf(step.value)
    case 'shift':
      return line.shift()
    case 'at':
      return line[step.index]
    case 'removeAt':
      return line.splice(step.index, 1)[0]
  }
}

test('is an array, whatever is done to it', () => {
  const anyRun = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.array(anyStep, { maxLength: 200, size: 'max' }))
  fc.assert(
    fc.property(anyRun, ([expected, steps]) => {
      const [line, plain] = [new RingBuffer<number>(expected), [] as number[]]
      for (const step of steps) {
        expect(doTo(line, step)).toBe(doToArray(plain, step))
        expect(Array.from({ length: line.length + 1 }, (_, index) => line.at(index))).toEqual([...plain, undefined])
      }
    }),
    { numRuns: scaled(300) },
  )
})

test('forgets what has left it', () => {
  const line = new RingBuffer<object>(4)
  const leave = [
    () => line.shift(),
    () => line.removeAt(0),
    () => line.removeAt(line.length - 1),
    () => line.removeAt(1),
    () => line.removeAt(line.length - 2),
  ]
  for (const first of leave) {
    for (let count = 0; count < 7; count++) line.push({ count })
    first()
    while (line.length > 0) line.shift()
    const slots = Object.values(line).find((field) => Array.isArray(field)) as unknown[]
    expect(slots.every((slot) => slot === undefined)).toBe(true)
  }
})
