import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Logger } from '../../src/logger.ts'
import { createRedisConnection, createRedisDeadLetterStore } from '../../src/stores/redis/index.ts'
import { letterOf, listAll } from '../../src/testing/dead-letters/store-check.ts'
import { startRedis } from '../fixtures/redis-server.ts'

const start = fileURLToPath(new URL('../../examples/deploy/redis/start.sh', import.meta.url))

test('the Redis of docker-compose.yml keeps what it is told, for one user who may do what the stores do', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-deployed-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  // In place of the image's own: says with what it was called.
  const entrypoint = join(folder, 'docker-entrypoint.sh')
  await writeFile(entrypoint, '#!/bin/sh\nprintf "%s\\n" "$@"\nenv | grep REDIS_ || true\n', { mode: 0o755 })
  const env = { PATH: [folder, process.env['PATH']].join(delimiter), REDIS_PASSWORD: 'p@ss "word"' }
  const { stdout } = await promisify(execFile)('sh', [start], { cwd: folder, env })
  const [program, configuration, ...others] = stdout.trim().split('\n')
  expect([program, others]).toEqual(['redis-server', []])
  expect(await readdir(folder)).toEqual(['docker-entrypoint.sh', 'users.acl'])
  expect(await readFile(join(folder, 'users.acl'), 'utf8')).not.toContain('p@ss')

  const lines = (await readFile(configuration!, 'utf8')).replaceAll('/data', folder).split('\n')
  const server = await startRedis({ lines })
  onTestFinished(() => server.close())
  const ping = await promisify(execFile)('redis-cli', ['-p', `${server.port}`, 'ping'])
  expect(ping.stdout).toContain('NOAUTH')

  const url = `redis://spillway:${encodeURIComponent(env.REDIS_PASSWORD)}@127.0.0.1:${server.port}`
  const connection = createRedisConnection({ url, commandTimeoutMs: 30_000 })
  onTestFinished(() => connection.close())
  const warn = vi.fn<Logger['warn']>()
  const store = createRedisDeadLetterStore({ connection, logger: { warn } as unknown as Logger })
  const subject = { now: () => Date.now() }
  for (const id of ['a', 'b', 'c']) expect(await store.put(letterOf(subject, id))).toBe('stored')
  const [first, second] = await store.claim({ pipeline: 'chat', limit: 2, leaseMs: 60_000 })
  expect(await store.ack(first!.lease)).toBe('acked')
  expect(await store.fail(second!.lease, second!.letter, { retryInMs: 0, final: true })).toBe('dead')
  expect((await listAll(store)).length).toBe(2)
  expect(await store.sweep()).toMatchObject({ orphaned: 0 })
  expect(warn).not.toHaveBeenCalled()
  for (const [name, ...args] of [['FLUSHALL'], ['CONFIG', 'SET', 'maxmemory', '1'], ['GET', 'another']] as const) {
    await expect(connection.send(name, args)).rejects.toThrow('NOPERM')
  }
})
