import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { StoreError } from '../../src/stores/store-error.ts'
import {
  createRedisConnection,
  type RedisConnection,
  type RedisConnectionOptions,
} from '../../src/stores/redis/redis-connection.ts'
import { RedisScript } from '../../src/stores/redis/redis-script.ts'
import { startRedis, startRedisCluster } from '../fixtures/redis-server.ts'

function connect(options: RedisConnectionOptions): RedisConnection {
  const connection = createRedisConnection({
    ...{ commandTimeoutMs: 30_000, connectTimeoutMs: 30_000, maxReconnectDelayMs: 20 },
    ...options,
  })
  onTestFinished(() => connection.close())
  return connection
}

async function connected(connection: RedisConnection): Promise<void> {
  await vi.waitFor(() => expect(connection.state.connected).toBe(true), { timeout: 30_000, interval: 10 })
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(StoreError)
  return error as Error
}

const increment = new RedisScript("#!lua\nreturn redis.call('INCR', KEYS[1])")

describe('a connection to Redis', () => {
  test('sends what it is given as soon as it is there, and knows its scripts again after they are flushed', async () => {
    const server = await startRedis({ password: 'p:@/ä' })
    onTestFinished(() => server.close())
    const connection = connect({ url: server.url })
    expect(connection.state.connected).toBe(false)
    expect(await connection.run(increment, ['n'], [])).toBe(1)
    expect(connection.state.connected).toBe(true)
    await server.command('SCRIPT', 'FLUSH')
    expect(await connection.run(increment, ['n'], [])).toBe(2)
    expect(await connection.run(increment, ['n'], [])).toBe(3)
    expect(await connection.send('GET', ['n'])).toEqual(Buffer.from('3'))
  })

  test('says what Redis said, and shows neither password nor arguments', async () => {
    const server = await startRedis({ password: 'secret' })
    onTestFinished(() => server.close())
    const connection = connect({ url: server.url })
    const wrong = await failure(connection.send('INCRBY', ['n', 'prompt']))
    expect(wrong.message).toBe(`Redis at 127.0.0.1:${server.port}: ERR value is not an integer or out of range`)
    expect(JSON.stringify([wrong, wrong.cause, Object.entries(wrong.cause as Error)])).not.toContain('prompt')

    const stranger = connect({ url: server.url.replace('secret', 'guess') })
    const refused = await failure(stranger.send('PING', []))
    expect(refused.message).toContain('WRONGPASS')
    expect(refused.message).not.toContain('guess')
    expect(stranger.state.lastError?.message).toContain('WRONGPASS')
  })

  test('rejects at once while Redis is away, and has it again when it is back', async () => {
    const server = await startRedis()
    onTestFinished(() => server.close())
    const connection = connect({ url: server.url })
    await connection.send('PING', [])
    const { since } = connection.state
    await server.kill()
    const away = await failure(connection.send('PING', []))
    expect(away.message).toMatch(/not connected|the connection broke/)
    await vi.waitFor(() => expect(connection.state.lastError?.message).toContain('ECONNREFUSED'))
    expect(connection.state.connected).toBe(false)
    expect(connection.state.since).toBeGreaterThanOrEqual(since)
    expect((await failure(connection.send('PING', []))).message).toContain('not connected (connect ECONNREFUSED')
    await server.restart()
    await connected(connection)
    expect(await connection.send('GET', ['n'])).toBeNull()
  })

  test('gives up on a server that is silent, and takes no more than it may', async () => {
    const server = await startRedis()
    onTestFinished(() => server.close())
    const connection = connect({ url: server.url, commandTimeoutMs: 200, maxInFlight: 3 })
    await connection.send('SET', ['n', '0'])
    server.stop()
    const commands = [1, 2, 3].map(() => connection.send('INCR', ['n']))
    expect((await failure(connection.send('INCR', ['n']))).message).toContain('3 commands wait for an answer')
    for (const command of commands) expect((await failure(command)).message).toContain('no answer within 200 ms')
    // The connection itself is given up, too: what nobody waits for must not pile up on it.
    await vi.waitFor(() => expect(connection.state.connected).toBe(false))
    expect((await failure(connection.send('INCR', ['n']))).message).toContain('not connected')
    server.resume()
    await connected(connection)
    // What had reached the server was done, once; what had not was not sent again.
    expect(await connection.send('GET', ['n'])).toEqual(Buffer.from('3'))
  })

  test('lets go of a caller whose signal aborts', async () => {
    const server = await startRedis()
    onTestFinished(() => server.close())
    const connection = connect({ url: server.url })
    await connection.send('PING', [])
    server.stop()
    const controller = new AbortController()
    const reason = new Error('enough')
    const command = connection.send('PING', [], { signal: controller.signal })
    controller.abort(reason)
    await expect(command).rejects.toBe(reason)
    await expect(connection.send('PING', [], { signal: controller.signal })).rejects.toBe(reason)
  })

  test('rejects after it is closed', async () => {
    const server = await startRedis()
    onTestFinished(() => server.close())
    const connection = connect({ url: server.url })
    await connection.send('PING', [])
    await connection.close()
    await connection.close()
    expect((await failure(connection.send('PING', []))).message).toContain('not connected')
    expect(connection.state.connected).toBe(false)
  })

  test('leads to the node of a cluster that has the key, and fails alone with the node that is gone', async () => {
    const cluster = await startRedisCluster()
    onTestFinished(() => cluster.close())
    const connection = connect({ url: cluster.urls.slice(0, 1) })
    const keys = Array.from({ length: 16 }, (_, index) => `{q${index}}`)
    for (const key of keys) expect(await connection.run(increment, [key], [])).toBe(1)
    let masters = 0
    await connection.eachMaster(async (send) => {
      masters += 1
      expect(await send('PING', [])).toEqual(Buffer.from('PONG'))
    })
    expect(masters).toBe(3)

    await cluster.servers[1]!.kill()
    const answers = await Promise.allSettled(keys.map((key) => connection.run(increment, [key], [])))
    const gone = answers.filter(({ status }) => status === 'rejected').length
    expect(gone).toBeGreaterThan(0)
    expect(gone).toBeLessThan(keys.length)
    await cluster.servers[1]!.restart()
    await vi.waitFor(
      async () => {
        for (const key of keys) await connection.send('EXISTS', [key])
      },
      { timeout: 30_000, interval: 50 },
    )
  })
})
