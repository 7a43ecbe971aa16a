import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type SpillwayProcess, startSpillway } from './spillway-process.ts'

async function ask({ url }: SpillwayProcess, session: string, content: string): Promise<string> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-session-id': session },
    body: JSON.stringify({ messages: [{ role: 'user', content }] }),
  })
  return response.text()
}

test('a server remembers what was said in a session, also after a restart, encrypted, and nothing of another', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'spillway-sessions-'))
  onTestFinished(() => {
    rmSync(dataDir, { recursive: true })
  })
  const args = ['--data-dir', dataDir, '--no-docs', '--dead-letters', 'none', '--log-level', 'warn']
  const environment = { SPILLWAY_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64') }
  const first = await startSpillway(args, environment)
  onTestFinished(() => first.stop())
  expect(first.lines).toContain('  stores     no dead letters')
  expect(first.lines.find((line) => line.includes('sessions in'))).toMatch(/sessions\.db, encrypted$/)
  await ask(first, 'ada', 'The turbine is Ada.')
  expect(await ask(first, 'ada', 'And now?')).toContain('The turbine is Ada.')
  expect(await ask(first, 'bob', 'And now?')).not.toContain('The turbine is Ada.')
  expect(await (await fetch(`${first.url}/readyz`)).json()).toEqual({ status: 'ready', stores: { sessions: 'ready' } })
  first.child.kill('SIGTERM')
  expect(await first.exit).toEqual({ code: 0, signal: null })
  expect(readFileSync(join(dataDir, 'sessions.db')).includes('turbine')).toBe(false)

  const second = await startSpillway(args, environment)
  onTestFinished(() => second.stop())
  expect(await ask(second, 'ada', 'And now?')).toContain('The turbine is Ada.')
})
