import { expect, test } from 'vitest'
import { PullReader } from '../../../src/pipeline/pull-reader.ts'

const settle = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

test('gives what comes together together, and to whoever asked first', async () => {
  const taken: number[] = []
  const reader = new PullReader<string>(8, (count) => taken.push(count))
  const [first, second, third] = [reader.ask(), reader.ask(), reader.ask()]
  reader.receive('a')
  reader.receive('b')
  expect(await first).toEqual(['a', 'b'])
  reader.receive('c')
  const late = reader.ask()
  reader.end()
  expect(await second).toEqual(['c'])
  expect([await third, await late]).toEqual([[], []])
  expect(taken).toEqual([2, 1])
})

test('holds at most its limit, and tells when there is room again', async () => {
  const reader = new PullReader<number>(2, () => undefined)
  expect([reader.receive(1), reader.receive(2), reader.receive(3)]).toEqual([true, true, false])
  let open = false
  void reader.ready()?.then(() => {
    open = true
  })
  await settle()
  expect(open).toBe(false)
  expect(await reader.ask()).toEqual([1, 2])
  await settle()
  expect(open).toBe(true)
  expect(reader.ready()).toBeUndefined()
})

test('after the end gives what is left, then nothing', async () => {
  const reader = new PullReader<number>(2, () => undefined)
  reader.receive(1)
  reader.end()
  expect([await reader.ask(), await reader.ask()]).toEqual([[1], []])
})
