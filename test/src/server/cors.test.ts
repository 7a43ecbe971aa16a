import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { createCors } from '../../../src/server/cors.ts'

const request = (headers: Record<string, string>, method = 'OPTIONS'): IncomingMessage =>
  ({ method, headers }) as unknown as IncomingMessage
const asking = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' }

test('nobody is let in unless it is said so', () => {
  const cors = createCors()
  expect(cors.headers(request({ origin: 'https://a.example' }))).toEqual({})
  expect(cors.preflight(request({ origin: 'https://a.example', ...asking }))).toBeUndefined()
})

test('an origin that is named is let in, no other one', () => {
  const cors = createCors(['https://a.example', 'http://localhost:3000'])
  for (const origin of ['https://a.example', 'http://localhost:3000']) {
    expect(cors.allows(request({ origin }))).toBe(true)
    expect(cors.headers(request({ origin }))).toEqual({
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'x-request-id, retry-after, retry-after-ms',
      vary: 'origin',
    })
    expect(cors.preflight(request({ origin, ...asking }))).toEqual({
      'access-control-allow-methods': 'GET, HEAD, POST, DELETE',
      'access-control-allow-headers': 'authorization',
      'access-control-max-age': '7200',
    })
  }
  for (const origin of ['https://a.example.org', 'http://a.example', 'https://a.example:8443', 'null', '*']) {
    expect(cors.allows(request({ origin }))).toBe(false)
    expect(cors.headers(request({ origin }))).toEqual({ vary: 'origin' })
    expect(cors.preflight(request({ origin, ...asking }))).toBeUndefined()
  }
})

test('all are let in by *, and what is no preflight is none', () => {
  const cors = createCors(['*'])
  expect(cors.headers(request({ origin: 'null' }))).toMatchObject({ 'access-control-allow-origin': '*' })
  expect(cors.headers(request({}))).toEqual({})
  expect(cors.preflight(request(asking))).toBeUndefined()
  expect(cors.preflight(request({ origin: 'null' }))).toBeUndefined()
  expect(cors.preflight(request({ origin: 'null', ...asking }, 'POST'))).toBeUndefined()
})

test('a slash at the end of an origin, which browsers do not send, is named', () => {
  expect(() => createCors(['https://a.example/'])).toThrow(
    /got "https:\/\/a.example\/": leave the slash at its end out$/,
  )
  expect(() => createCors(['https://a.example/x'])).toThrow(/got "https:\/\/a.example\/x"$/)
})

test.each(['a.example', 'https://a.example/', 'https://A.example', 'https://*.example', '', 'null'])(
  '%j is no origin',
  (origin) => {
    expect(() => createCors([origin])).toThrow(
      'corsOrigins must be origins such as https://chat.example.org, or *, got',
    )
  },
)
