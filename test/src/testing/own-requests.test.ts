import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pipeline } from '../../../src/index.ts'
import { checkInvariants, type PipelineSubject } from '../../../src/testing/index.ts'

class Order {
  readonly number: number

  constructor(number: number) {
    this.number = number
  }

  total(): number {
    return this.number * 2
  }
}

/** A pipeline, and the requests that its handler was given. */
function observed<R>(): { readonly subject: PipelineSubject<R>; readonly seen: readonly R[] } {
  const seen: R[] = []
  const take = (request: R): R => {
    seen.push(request)
    return request
  }
  const subject = pipeline<R>('orders').stage('one', (_, { request }) => take(request), { capacity: 8 })
  return { subject: subject, seen }
}

test('a request of a class stays what it is', async () => {
  for (const request of [(index: number): Order => new Order(index), fc.nat().map((number) => new Order(number))]) {
    const { subject, seen } = observed<Order>()
    await checkInvariants(subject, { request })
    expect(seen.length).toBeGreaterThan(0)
    expect(seen.filter((order) => !(order instanceof Order))).toEqual([])
  }
})

test('plain objects get a deadline at times, but keep one of their own', async () => {
  const { subject, seen } = observed<{ readonly deadlineMs?: number }>()
  await checkInvariants(subject, { request: () => ({}) })
  expect(seen.some(({ deadlineMs }) => deadlineMs !== undefined)).toBe(true)
  const bare = observed<object>()
  await checkInvariants(bare.subject, { request: () => Object.create(null) as object })
  expect(bare.seen.some((request) => 'deadlineMs' in request)).toBe(true)
  const own = observed<{ readonly deadlineMs: number }>()
  await checkInvariants(own.subject, { request: () => ({ deadlineMs: 7 }) })
  expect(new Set(own.seen.map(({ deadlineMs }) => deadlineMs))).toEqual(new Set([7]))
})
