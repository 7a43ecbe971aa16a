import { expect, test } from 'vitest'
import { sweepSetting } from '../../../../src/cli/simulate/sweep-option.ts'

const names = ['rag', 'inference', 'a.b']

test.each([
  ['inference.concurrency=4,8,16', 'inference', 'concurrency', [4, 8, 16]],
  ['inference.capacity=64..4096', 'inference', 'capacity', [64, 128, 256, 512, 1024, 2048, 4096]],
  ['inference.capacity=100..500', 'inference', 'capacity', [100, 200, 400]],
  ['rag.capacity=0..128:64', 'rag', 'capacity', [0, 64, 128]],
  ['rag.capacity=0,1..4,4,7..8:1', 'rag', 'capacity', [0, 1, 2, 4, 7, 8]],
  ['a.b.capacity=1', 'a.b', 'capacity', [1]],
])('%s', (text, stage, limit, values) => {
  expect(sweepSetting(text, names)).toEqual({ stage, limit, values })
})

test.each([
  ['inference', '--sweep must name a stage, capacity or concurrency, and values, such as'],
  ['inference.ttlMs=1', 'got "inference.ttlMs=1"'],
  ['inferense.capacity=1', 'no stage "inferense"; did you mean "inference"?'],
  ['model.capacity=1', 'no stage "model"; its stages are rag, inference, a.b'],
  ['rag.capacity=1,-2', 'values must be whole numbers, 64..4096 or 64..4096:64, got "-2"'],
  ['rag.capacity=1.5', 'got "1.5"'],
  ['rag.capacity=8..4', '8..4 must go up'],
  ['rag.capacity=1..4:0', 'the step of 1..4:0 must be 1 or more'],
  ['rag.capacity=0..4', 'what is doubled must begin at 1 or more; 0,1..4 tries 0, too'],
  ['rag.concurrency=0..4:1', 'concurrency must be 1 or more, got 0'],
  ['rag.capacity=1..1000000000000:1', 'must be at most 1000 values, got 1000000000000'],
  ['rag.capacity=99999999999999999999', 'numbers must be at most 9007199254740991'],
])('%s is refused', (text, message) => {
  expect(() => sweepSetting(text, names)).toThrow(message)
})
