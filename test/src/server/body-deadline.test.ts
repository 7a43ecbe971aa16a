import type { FastifyReply, FastifyRequest } from 'fastify'
import { expect, test } from 'vitest'
import { createBodyDeadline } from '../../../src/server/body-deadline.ts'
import { VirtualClock } from '../../../src/testing/index.ts'

const reply = {} as FastifyReply
const request = (name: string, headers: Record<string, string>): FastifyRequest =>
  ({ id: name, raw: { headers } }) as unknown as FastifyRequest

test('each body has its own time, and one that is there or was never announced is not late', async () => {
  const clock = new VirtualClock()
  const late: string[] = []
  const bodies = createBodyDeadline({ timeoutMs: 100, clock }, ({ id }) => late.push(`${id} ${clock.now()}`))
  const [a, b, c] = ['a', 'b', 'c'].map((name) => request(name, { 'transfer-encoding': 'chunked' }))
  const began = clock.now()
  bodies.begin(a!, reply)
  bodies.begin(request('none', {}), reply)
  bodies.begin(request('empty', { 'content-length': '0' }), reply)
  await clock.advance(30)
  bodies.begin(b!, reply)
  await clock.advance(30)
  bodies.begin(c!, reply)
  bodies.end(b!)
  await clock.advance(1_000)
  bodies.begin(b!, reply)
  await clock.advance(1_000)
  expect(late).toEqual([`a ${began + 100}`, `c ${began + 160}`, `b ${began + 1_160}`])
  bodies.begin(a!, reply)
  bodies.stop()
  await clock.advance(1_000)
  expect(late).toHaveLength(3)
})
