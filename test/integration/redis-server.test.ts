import { describe, expect, onTestFinished, test } from 'vitest'
import { startRedis, startRedisCluster } from '../fixtures/redis-server.ts'

describe('the redis-server of the tests', () => {
  test('keeps what it answered through SIGKILL and a restart', async () => {
    const server = await startRedis({ appendfsync: 'always', password: 'p:@/ä' })
    onTestFinished(() => server.close())
    await server.command('SET', 'key', 'value')
    const { pid } = server
    await server.kill()
    await expect(server.command('GET', 'key')).rejects.toThrow()
    await server.restart()
    expect(await server.command('GET', 'key')).toBe('value')
    expect(server.pid).not.toBe(pid)
  })

  test('is three masters that share the slots, as a cluster', async () => {
    const cluster = await startRedisCluster()
    onTestFinished(() => cluster.close())
    const [first, second] = cluster.servers
    await expect(first!.command('SET', '{q1}', 'value')).rejects.toThrow('MOVED')
    expect(await second!.command('CLUSTER', 'INFO')).toContain('cluster_slots_ok:16384')
  })
})
