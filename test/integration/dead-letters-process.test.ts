import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSqliteDeadLetterStore } from '../../src/stores/sqlite-dead-letter-store.ts'
import { letterOf } from '../fixtures/letter-shelf.ts'
import { runSpillway, type SpillwayProcess, startSpillway } from './spillway-process.ts'
import { startOpenAiServer } from '../fixtures/openai-server.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'spillway-letters-'))
})
afterAll(() => {
  rmSync(root, { recursive: true })
})

type Ran = Awaited<ReturnType<typeof runSpillway>>

const letters = (command: string, dataDir: string, ...args: readonly string[]): Promise<Ran> =>
  runSpillway(['dead-letters', command, '--data-dir', join(root, dataDir), ...args])

const lines = ({ stdout }: Ran): readonly Readonly<Record<string, unknown>>[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)

/** Three entries, submitted three, two and one hours ago; the first two are dead. */
async function fill(dataDir: string): Promise<void> {
  const store = createSqliteDeadLetterStore({ file: join(root, dataDir, 'dead-letters.db') })
  const now = Date.now()
  for (const [at, stage] of ['inference', 'rag', 'inference'].entries()) {
    const firstSeenAt = now - (3 - at) * 3_600_000
    await store.put(letterOf(`s${at}`, { stage, firstSeenAt, lastSeenAt: now, error: 'a\u001b[2Jb' }), { dead: at < 2 })
  }
  await store.close()
}

test('dead letters are listed and shown', async () => {
  await fill('read')
  const [table, listed, shown, json, unknown] = await Promise.all([
    letters('list', 'read', '--older-than', '90m'),
    letters('list', 'read', '--stage', 'inference', '--json'),
    letters('show', 'read', 's0'),
    letters('show', 'read', 's0', '--json'),
    letters('show', 'read', 'x'),
  ])
  expect(table).toMatchObject({ code: 0, stderr: '' })
  expect(table.stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['ID', 'PIPELINE', 'STAGE', 'KIND/REASON', 'STATE', 'ATTEMPTS', 'AGE'],
    ['s0', 'chat', 'inference', 'failed/stage_failed', 'dead', '0', expect.stringMatching(/^3h/)],
    ['s1', 'chat', 'rag', 'failed/stage_failed', 'dead', '0', expect.stringMatching(/^2h/)],
    [''],
  ])
  expect(lines(listed)).toMatchObject([{ submissionId: 's0' }, { submissionId: 's2', state: 'due' }])
  expect(lines(listed)[0]).not.toHaveProperty('request')
  expect(shown.stdout).toContain('error       a�[2Jb\n')
  expect(shown.stdout).toContain('"input": "question of s0"')
  expect(lines(json)).toMatchObject([{ request: { input: 'question of s0' } }])
  expect(unknown).toEqual({ code: 1, stdout: '', stderr: 'error: there is no dead letter "x"\n' })
})

test('dead letters are replayed and purged', async () => {
  await fill('changed')
  const rehearsed = await letters('replay', 'changed', '--state', 'dead', '--dry-run', '--json')
  expect(rehearsed.stderr).toBe('would replay 2 dead letters; nothing was changed\n')
  expect(lines(rehearsed)).toHaveLength(2)
  const replayed = await letters('replay', 'changed', 's0', 'x')
  expect(replayed).toEqual({ code: 1, stdout: '1 replayed\n', stderr: 'error: there is no dead letter "x"\n' })
  expect(await letters('purge', 'changed')).toMatchObject({ code: 1, stdout: '' })
  expect(await letters('purge', 'changed', '--all')).toEqual({ code: 0, stdout: '3 purged\n', stderr: '' })
  expect(await letters('list', 'changed')).toEqual({ code: 0, stdout: '', stderr: 'there are no dead letters\n' })
})

test('dead letters are moved to another folder', async () => {
  await fill('from')
  const output = join(root, 'exported.jsonl')
  const exported = await letters('export', 'from', '--output', output)
  expect(exported).toEqual({ code: 0, stdout: '', stderr: 'exported 3 dead letters\n' })
  expect(statSync(output).mode & 0o777).toBe(0o600)
  const entries = readFileSync(output, 'utf8').trimEnd().split('\n')
  const [again, printed, imported] = await Promise.all([
    letters('export', 'from', '--output', output),
    letters('export', 'from'),
    letters('import', 'to', output),
  ])
  expect(again.stderr).toBe(`error: --output "${output}": is there already; name a file that is not\n`)
  expect(printed.stdout.trimEnd().split('\n')).toEqual(entries)
  expect(imported).toMatchObject({ code: 0, stdout: expect.stringMatching(/^3 stored, 0 there before/) as string })
  expect(lines(await letters('list', 'to', '--json')).map(({ state }) => state)).toEqual(['dead', 'dead', 'due'])
  writeFileSync(output, `${entries[0]}\n{}\n`)
  expect(await letters('import', 'to', output)).toMatchObject({
    ...{ code: 1, stderr: `${output}:2: submissionId is required: a string\n` },
    stdout: '0 stored, 1 there before, 0 in conflict, 0 without room, 1 malformed\n',
  })
})

test('an import heeds the number that the server was given, and expires nothing', async () => {
  // Submitted in 1970.
  const file = join(root, 'ancient.jsonl')
  writeFileSync(file, ['s0', 's1', 's2'].map((id) => `${JSON.stringify(letterOf(id))}\n`).join(''))
  const full = await letters('import', 'bounded', file, '--dead-letters-max-entries', '2')
  expect(full).toEqual({
    ...{ code: 1, stderr: `${file}:3: s2 was not stored: the store is full\n` },
    stdout: '2 stored, 0 there before, 0 in conflict, 1 without room, 0 malformed\n',
  })
  expect(await letters('import', 'bounded', file)).toMatchObject({
    ...{ code: 0, stderr: '' },
    stdout: '1 stored, 2 there before, 0 in conflict, 0 without room, 0 malformed\n',
  })
})

test('what is wrong with the command line is told, and no store is made for it', async () => {
  const wrong = await letters('list', 'nowhere', '--kind', 'late')
  expect(wrong).toMatchObject({ code: 1, stdout: '' })
  expect(wrong.stderr).toBe('error: --kind must be one of "shed", "failed", "expired", got "late"\n')
  const file = join(root, 'nowhere', 'dead-letters.db')
  expect((await letters('list', 'nowhere')).stderr).toBe(
    `error: --data-dir: there is no ${file}; name the folder of a server that has kept dead letters\n`,
  )
  const args = ['dead-letters', 'list', '--data-dir', root]
  const secret = await runSpillway(args, { SPILLWAY_ENCRYPTION_KEY: 'hunter2' })
  expect(secret.stderr).toMatch(/^error: SPILLWAY_ENCRYPTION_KEY must be keys of 32 bytes .* got 7 characters\n$/)
})

/** What the server says of its store. */
async function figures({ url }: SpillwayProcess): Promise<Readonly<Record<string, unknown>>> {
  const told = (await (await fetch(`${url}/v1/pipeline`)).json()) as {
    readonly deadLetterStore: Record<string, unknown>
  }
  return told.deadLetterStore
}

async function until(
  spillway: SpillwayProcess,
  isSo: (store: Readonly<Record<string, unknown>>) => boolean,
): Promise<void> {
  while (!isSo(await figures(spillway))) await new Promise((resolve) => setImmediate(resolve))
}

test('what a model failed to answer is brought to completion once it is well again', async () => {
  await using model = await startOpenAiServer()
  const refusal = { status: 500, message: 'no' }
  model.behaviour.errorFor = ({ messages }) => (/odd/.test(String(messages.at(-1)?.content)) ? refusal : undefined)
  const dataDir = join(root, 'served')
  const limits = ['--dead-letters-max-attempts', '1', '--no-docs']
  const spillway = await startSpillway(['--data-dir', dataDir, '--model', 'fixture', ...limits], {
    ...{ OPENAI_BASE_URL: model.baseUrl, SPILLWAY_ENCRYPTION_KEY: 'ab'.repeat(32) },
  })
  const run = (command: string, ...args: readonly string[]): Promise<Ran> =>
    runSpillway(['dead-letters', command, '--data-dir', dataDir, ...args], { SPILLWAY_ENCRYPTION_KEY: 'ab'.repeat(32) })
  try {
    expect(spillway.lines.find((line) => line.includes('stores'))).toMatch(
      /dead letters \(failed, expired\) in .*\.db, encrypted, redriven$/,
    )
    const ask = async (content: string): Promise<number> => {
      const response = await fetch(`${spillway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ messages: [{ role: 'user', content }] }),
      })
      await response.text()
      return response.status
    }
    const statuses: number[] = []
    for (let at = 0; at < 6; at++) statuses.push(await ask(`question ${at}, ${at % 2 === 0 ? 'even' : 'odd'}`))
    expect(statuses.map((status) => status === 200)).toEqual([true, false, true, false, true, false])
    // Each has had its one attempt.
    await until(spillway, ({ dead }) => dead === 3)
    const failed = lines(await run('list', '--stage', 'inference', '--json'))
    expect(failed).toMatchObject(failed.map(() => ({ state: 'dead', attempts: 1, kind: 'failed' })))
    const ids = failed.map(({ submissionId }) => String(submissionId))
    expect(ids).toHaveLength(3)

    delete model.behaviour.errorFor
    const replay = await run('replay', '--stage', 'inference', '--json')
    expect(replay.code).toBe(0)
    expect(lines(replay)).toEqual(ids.map((submissionId) => ({ submissionId, result: 'replayed' })))
    await until(spillway, ({ due, leased, dead }) => due === 0 && leased === 0 && dead === 0)
    expect(await figures(spillway)).toMatchObject({ totals: { stored: 3, acked: 3, died: 3, replayed: 3 } })

    const asked = model.requests.length
    expect(await run('replay', ...ids)).toEqual({ code: 0, stdout: '3 completed before\n', stderr: '' })
    expect(await run('replay', '--stage', 'inference')).toMatchObject({ code: 0, stdout: 'nothing was changed\n' })
    const shown = lines(await run('show', ids[0]!, '--json'))
    expect(shown).toEqual([
      {
        submissionId: ids[0],
        redrive: {
          at: expect.any(Number) as number,
          answer: expect.objectContaining({ text: 'question 1, odd' }) as object,
        },
      },
    ])
    const metrics = await (await fetch(`${spillway.url}/metrics`)).text()
    expect(metrics).toContain('orchestrator_requests_total{outcome="completed",origin="redrive"} 3\n')
    expect(metrics).toContain('orchestrator_dead_letters{state="dead"} 0\n')
    expect(metrics).toContain('orchestrator_dead_letters_total{transition="acked"} 3\n')
    expect(model.requests.length).toBe(asked)
    spillway.child.kill('SIGTERM')
    expect(await spillway.exit).toEqual({ code: 0, signal: null })
  } finally {
    await spillway.stop()
  }
})
