import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createSqliteDeadLetterStore } from '../../src/stores/index.ts'
import { letterOf } from '../fixtures/letter-shelf.ts'
import { startOpenAiServer } from '../fixtures/openai-server.ts'
import { startRedis } from '../fixtures/redis-server.ts'
import { runSpillway, type SpillwayProcess, startSpillway } from './spillway-process.ts'

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve))
}

/** The value of a metric without labels. */
async function metric({ url }: SpillwayProcess, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(new RegExp(`^orchestrator_${name} (.*)$`, 'm').exec(text)?.[1])
}

async function ask({ url }: SpillwayProcess): Promise<number> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'hello' }] }),
  })
  await response.text()
  return response.status
}

test('a Redis that is away, at the start and later, loses no dead letter and keeps no request from being answered', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'spillway-spool-'))
  const redis = await startRedis({ appendfsync: 'always' })
  await using model = await startOpenAiServer({ error: { status: 500, message: 'no' } })
  onTestFinished(async () => {
    await redis.close()
    rmSync(dataDir, { recursive: true })
  })
  const environment = { REDIS_URL: redis.url, OPENAI_BASE_URL: model.baseUrl }
  await redis.kill()
  const args = ['--data-dir', dataDir, '--model', 'fixture', '--no-docs', '--no-redrive', '--log-level', 'warn']
  const spillway = await startSpillway(args, environment)
  onTestFinished(() => spillway.stop())
  const list = async (): Promise<unknown> => (await fetch(`${spillway.url}/v1/dead-letters`)).json()
  const ready = async (): Promise<unknown> => (await fetch(`${spillway.url}/readyz`)).json()

  expect(await ask(spillway)).toBe(502)
  await until(async () => (await metric(spillway, 'dead_letters_spooled')) === 1)
  expect(await ready()).toEqual({ status: 'ready', stores: { deadLetters: 'away', sessions: 'away' } })
  expect((await fetch(`${spillway.url}/v1/dead-letters`)).status).toBe(503)
  const asked = await runSpillway(['dead-letters', 'list'], environment)
  expect(asked).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining(`127.0.0.1:${redis.port}`) as string,
  })

  await redis.restart()
  await until(async () => (await metric(spillway, 'dead_letters_moved_total')) === 1)
  expect(await ready()).toEqual({ status: 'ready', stores: { deadLetters: 'ready', sessions: 'ready' } })
  expect(await metric(spillway, 'dead_letters_spooled')).toBe(0)
  const listed = await runSpillway(['dead-letters', 'list', '--json'], environment)
  const entry = JSON.parse(listed.stdout) as unknown
  expect(entry).toMatchObject({ stage: 'inference', kind: 'failed', state: 'due' })
  expect(await list()).toEqual({ entries: [entry], spooled: 0 })

  // One that hangs is given up, too.
  redis.stop()
  expect(await ask(spillway)).toBe(502)
  await until(async () => (await metric(spillway, 'dead_letters_spooled')) === 1)
  delete model.behaviour.error
  expect(await ask(spillway)).toBe(200)
  redis.resume()
  await until(async () => (await metric(spillway, 'dead_letters_moved_total')) === 2)
  expect(await list()).toMatchObject({ entries: [entry, {}] })
  const metrics = await (await fetch(`${spillway.url}/metrics`)).text()
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: metrics, encoding: 'utf8' })
  expect([checked.stdout + checked.stderr, checked.status]).toEqual(['', 0])
  spillway.child.kill('SIGTERM')
  expect(await spillway.exit).toEqual({ code: 0, signal: null })
})

test('the command line says what waits in the data folder, which Redis does not have', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'spillway-waiting-'))
  const redis = await startRedis()
  onTestFinished(async () => {
    await redis.close()
    rmSync(dataDir, { recursive: true })
  })
  const file = join(dataDir, 'dead-letters.db')
  const spool = createSqliteDeadLetterStore({ file })
  await spool.put(letterOf('a', { firstSeenAt: Date.now() }))
  await spool.close()
  const environment = { REDIS_URL: redis.url }
  const said = `besides, 1 in ${file} until a server has moved them to Redis\n`
  const listed = await runSpillway(['dead-letters', 'list', '--data-dir', dataDir], environment)
  expect(listed).toMatchObject({ code: 0, stdout: '', stderr: `there are no dead letters\n${said}` })
  const purged = await runSpillway(['dead-letters', 'purge', '--all', '--data-dir', dataDir], environment)
  expect(purged).toMatchObject({ code: 1, stdout: 'nothing was changed\n', stderr: said })
  const exported = await runSpillway(['dead-letters', 'export', '--data-dir', dataDir], environment)
  expect(exported).toMatchObject({ code: 1, stdout: '', stderr: `exported 0 dead letters\n${said}` })

  writeFileSync(file, 'no database')
  const warned = await runSpillway(['dead-letters', 'list', '--data-dir', dataDir], environment)
  expect(warned).toMatchObject({ code: 0, stderr: expect.stringContaining(`what waits in ${file}`) as string })
  expect(warned.stderr).toContain('there are no dead letters')
})

test('what cannot be moved to Redis is counted, and listed from the data folder', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'spillway-stuck-'))
  const redis = await startRedis()
  onTestFinished(async () => {
    await redis.close()
    rmSync(dataDir, { recursive: true })
  })
  const lostKey = new Uint8Array(32).fill(1)
  const spool = createSqliteDeadLetterStore({ file: join(dataDir, 'dead-letters.db'), encryptionKeys: [lostKey] })
  await spool.put(letterOf('a', { firstSeenAt: Date.now() }))
  await spool.close()
  const args = ['--data-dir', dataDir, '--no-docs', '--log-level', 'warn']
  const spillway = await startSpillway(args, { REDIS_URL: redis.url })
  onTestFinished(() => spillway.stop())
  await until(async () => (await metric(spillway, 'dead_letters_stuck')) === 1)
  const listed = await runSpillway(['dead-letters', 'list', '--json', '--data-dir', dataDir])
  expect(JSON.parse(listed.stdout)).toMatchObject({ submissionId: 'a', unreadable: expect.any(String) as string })
  await runSpillway(['dead-letters', 'purge', 'a', '--data-dir', dataDir])
  expect(await metric(spillway, 'dead_letters_stuck')).toBe(0)
})
