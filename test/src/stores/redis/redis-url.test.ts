import { describe, expect, test } from 'vitest'
import { parseRedisUrl } from '../../../../src/stores/redis/redis-url.ts'

describe('the URL of Redis', () => {
  test('says where it is, and as whom it is asked', () => {
    expect(parseRedisUrl('redis://me:p%40ss@[::1]:7000/3')).toEqual({
      nodes: [{ host: '::1', port: 7000 }],
      cluster: false,
      tls: false,
      username: 'me',
      password: 'p@ss',
      db: 3,
      name: '::1:7000',
    })
    expect(parseRedisUrl(['rediss://:secret@a', 'rediss://:secret@b:7001'])).toEqual({
      nodes: [
        { host: 'a', port: 6379 },
        { host: 'b', port: 7001 },
      ],
      cluster: true,
      tls: true,
      username: undefined,
      password: 'secret',
      db: 0,
      name: 'a:6379,b:7001',
    })
  })

  test.each([
    [[], 'one node'],
    [['redis://:secret@a', 'redis://:other@b'], 'the same protocol, user and password'],
    [['redis://:secret@a', 'rediss://:secret@b'], 'the same protocol, user and password'],
    [['redis://:secret@a/1'], '0 in a cluster, got "1"'],
    ['redis://:secret@a/one', 'number of a database, got "one"'],
    ['http://:secret@a', 'got one that begins with http:'],
    ['redis://:secret@a?db=1', 'a query or a fragment'],
    ['redis://:secret%@a', 'percent-encoded'],
    ['secret', 'got something else'],
    ['redis://', 'got something else'],
    [7 as never, 'got 7'],
  ])('that is %j is refused, and its password not shown', (url, message) => {
    expect(() => parseRedisUrl(url)).toThrow(message)
    expect(() => parseRedisUrl(url)).not.toThrow('secret')
  })
})
