import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rawExchange } from '../fixtures/raw-exchange.ts'
import { bodies, contentTypes, framing } from './bad-bodies.ts'
import { headers, protocols, targets } from './bad-heads.ts'
import { hello, post, route } from './bad-input-row.ts'
import { type OpenServer, startOpenServer } from './open-server.ts'

const rows = [...bodies, ...contentTypes, ...framing, ...headers, ...targets, ...protocols]

describe('bad input gets a clear answer, is counted once, leaks nothing, and the next request works', () => {
  let server: OpenServer
  beforeAll(async () => {
    server = await startOpenServer()
  })
  afterAll(() => server.close())

  for (const [name, said, status, code, message, where = route] of rows) {
    test(name, async () => {
      const before = [await server.countedAll(), await server.counted(where, status)] as const
      const responses = await rawExchange(server.port, said)
      expect(responses.map((response) => [response.status, response.code])).toEqual([[status, code]])
      const [response] = responses
      expect(response!.headers['x-request-id']).toMatch(/^[\x21-\x7e]+$/)
      if (message !== undefined) expect(response!.message).toContain(message)
      await server.quiet()
      expect([await server.countedAll(), await server.counted(where, status)]).toEqual([before[0] + 1, before[1] + 1])
      expect(await rawExchange(server.port, post(hello))).toMatchObject([{ status: 200 }])
      await server.quiet()
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    })
  }
})
