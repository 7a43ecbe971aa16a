import { execFile } from 'node:child_process'
import { createServer } from 'node:net'
import { promisify } from 'node:util'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { OpenAI } from 'openai'
import { afterEach, expect, test, vi } from 'vitest'
import type { DrainReport, Ledger } from '../../src/pipeline/running.ts'
import { startOpenAiServer } from '../fixtures/openai-server.ts'
import { npmStart, runSpillway, type SpillwayProcess, startSpillway } from './spillway-process.ts'

const started: SpillwayProcess[] = []
afterEach(async () => {
  for (const spillway of started.splice(0)) await spillway.stop()
})

async function start(...given: Parameters<typeof startSpillway>): Promise<SpillwayProcess> {
  const spillway = await startSpillway(...given)
  started.push(spillway)
  return spillway
}

interface Answer {
  readonly status: number
  readonly body: { readonly error?: { readonly code: string }; readonly choices?: readonly unknown[] }
}

async function ask({ url }: SpillwayProcess, question = 'hello'): Promise<Answer> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: question }] }),
  })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

async function ledgerOf({ url }: SpillwayProcess): Promise<Ledger> {
  const response = await fetch(`${url}/v1/pipeline`)
  return ((await response.json()) as { ledger: Ledger }).ledger
}

/** Sends requests and comes back when all of them are in the pipeline; their answers are still to come. */
async function accepted(spillway: SpillwayProcess, count: number): Promise<{ answers: Promise<Answer[]> }> {
  const answers = Promise.all(Array.from({ length: count }, () => ask(spillway)))
  while ((await ledgerOf(spillway)).submitted < count);
  return { answers }
}

async function printed<T>(spillway: SpillwayProcess, name: string): Promise<T> {
  return JSON.parse((await spillway.line(new RegExp(`^${name}: `))).slice(name.length + 2)) as T
}

function balance({ submitted, completed, shed, failed, expired, cancelled, inFlight }: Ledger): void {
  expect(completed + shed + failed + expired + cancelled + inFlight).toBe(submitted)
}

test('the official client gets an answer that quotes the document that holds it', async () => {
  const { url } = await start()
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })
  const { data: models } = await client.models.list()
  expect(models.map(({ id }) => id)).toEqual(['echo'])
  const messages = [{ role: 'user' as const, content: 'How do I add a stage?' }]
  const whole = await client.chat.completions.create({ model: 'echo', messages })
  const text = whole.choices[0]!.message.content!
  expect(text).toContain('source: "CONTRIBUTING.md"\nsection: "Contributing > Add a stage"\n')
  let streamed = ''
  for await (const chunk of await client.chat.completions.create({ model: 'echo', messages, stream: true })) {
    streamed += chunk.choices[0]?.delta.content ?? ''
  }
  // Each prompt has tags of its own.
  const plain = (prompt: string): string => prompt.replace(/passage-[0-9a-f]{32}/g, 'passage')
  expect(plain(streamed)).toBe(plain(text))
})

test('with --redact personal data is in no answer, and counted', async () => {
  const spillway = await start(['--no-docs', '--redact', 'mask', '--redact-kinds', 'email,ip', '--log-level', 'debug'])
  expect(await spillway.line(/redaction/)).toBe('  redaction  mask: email, ip')
  const { body } = await ask(spillway, 'mail ann@example.org from 10.0.0.7, SSN 219-09-9998')
  expect(JSON.stringify(body)).toContain('mail [email] from [ip], SSN 219-09-9998')
  const metrics = await (await fetch(`${spillway.url}/metrics`)).text()
  expect(metrics).toMatch(/^orchestrator_redactions_total\{.*kind="email".*\} 1$/m)
  expect(metrics).toMatch(/^orchestrator_redactions_total\{.*kind="ip".*\} 1$/m)
  expect(metrics).not.toContain('ann@')
})

test.each<[string[], string]>([
  [[], 'ann@example.org with 4111 1111 1111 1111'],
  [['--redact', 'mask'], '[email] with [card]'],
])('a model that quotes the prompt as it refuses it is logged and told with %j as: %s', async (redact, quoted) => {
  const question = 'mail ann@example.org with 4111 1111 1111 1111'
  await using model = await startOpenAiServer()
  const spillway = await start(['--no-docs', ...redact], { OPENAI_BASE_URL: model.baseUrl })
  model.behaviour.error = { status: 400, message: `refused: "${question}"` }
  const { status, body } = await ask(spillway, question)
  expect(status).toBeGreaterThanOrEqual(400)
  expect(JSON.stringify(body)).toContain(JSON.stringify(`refused: "mail ${quoted}"`).slice(1, -1))
  const { error, level } = JSON.parse(await spillway.logged(/"request failed"/)) as { error: string; level: number }
  expect([level, error]).toEqual([40, expect.stringContaining(`refused: "mail ${quoted}"`)])
  spillway.child.kill('SIGTERM')
  await spillway.exit
  if (redact.length > 0) expect([...spillway.log, ...spillway.lines].join('\n')).not.toMatch(/ann@|4111/)
})

test('with --filter-words and --filter-patterns nothing of what they name is in an answer', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-filters-'))
  try {
    const [words, patterns] = [join(folder, 'words.txt'), join(folder, 'patterns.txt')]
    writeFileSync(words, '# names\nVoldemort\n')
    writeFileSync(patterns, 'sk-[A-Za-z0-9]{20,}\n')
    const spillway = await start(['--no-docs', '--filter-words', words, '--filter-patterns', patterns])
    expect(await spillway.line(/^ {2}filters/)).toBe('  filters    1 word and 1 pattern, masked in answers')
    const { body } = await ask(spillway, `vol\u00addemort has sk-${'Ab3d5'.repeat(2_000)}.`)
    expect(JSON.stringify(body)).toContain('*** has ***.')

    writeFileSync(words, Buffer.from('Voldemort\ncaf\xe9\n', 'latin1'))
    const { code, stderr } = await runSpillway(['serve', '--no-docs', '--port', '0', '--filter-words', words])
    expect(code).toBe(1)
    expect(stderr).toContain(`--filter-words "${words}" must be text in UTF-8, got the byte 0xE9 at offset 13`)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the command that is printed works as it is printed', async () => {
  const spillway = await start(['--no-docs'], { SPILLWAY_API_KEY: 'secret' })
  await spillway.line(/^ {4}-d/)
  const from = spillway.lines.findIndex((line) => line.startsWith('  curl '))
  const command = spillway.lines.slice(from).join('\n')
  expect(command).not.toContain('secret')
  const { stdout } = await promisify(execFile)('sh', ['-c', command.replace('curl', 'curl -s')], {
    env: { ...process.env, SPILLWAY_API_KEY: 'secret' },
  })
  expect(JSON.parse(stdout)).toMatchObject({ object: 'chat.completion' })
})

test('SIGTERM lets all 400 accepted requests complete', async () => {
  const spillway = await start(['--no-docs', '--echo-delay-ms', '300', '--inference-concurrency', '64'])
  const { answers } = await accepted(spillway, 400)
  spillway.child.kill('SIGTERM')
  expect((await answers).map(({ status }) => status)).toEqual(Array.from({ length: 400 }, () => 200))
  const report = await printed<DrainReport>(spillway, 'Drained')
  expect(report.timedOut).toBe(0)
  expect(report.completed).toBe(report.inFlight)
  const ledger = await printed<Ledger>(spillway, 'Ledger')
  expect(ledger).toMatchObject({ submitted: 400, completed: 400, inFlight: 0 })
  balance(ledger)
  expect(await spillway.exit).toEqual({ code: 0, signal: null })
})

test('what a drain has no time for ends as drain_timeout, and the ledger balances', async () => {
  const spillway = await start(['--no-docs', '--echo-delay-ms', '3600000', '--drain-timeout-ms', '200'])
  const { answers } = await accepted(spillway, 400)
  spillway.child.kill('SIGTERM')
  for (const { status, body } of await answers) {
    expect([status, body.error?.code]).toEqual([503, 'drain_timeout'])
  }
  expect(await printed<DrainReport>(spillway, 'Drained')).toMatchObject({ inFlight: 400, failed: 400, timedOut: 400 })
  const ledger = await printed<Ledger>(spillway, 'Ledger')
  expect(ledger).toMatchObject({ submitted: 400, failed: 400, inFlight: 0 })
  balance(ledger)
  expect(await spillway.exit).toEqual({ code: 1, signal: null })
})

test('while it drains it is not ready and refuses; a second signal stops it at once', async () => {
  const spillway = await start(['--no-docs', '--echo-delay-ms', '3600000', '--drain-timeout-ms', '3600000'])
  const { answers } = await accepted(spillway, 1)
  answers.catch(() => undefined)
  expect((await fetch(`${spillway.url}/readyz`)).status).toBe(200)
  spillway.child.kill('SIGINT')
  await spillway.line(
    /^SIGINT: draining .* another signal stops at once, but SIGINT within a second counts as the same one/,
  )
  const ready = await fetch(`${spillway.url}/readyz`)
  expect([ready.status, ready.headers.get('connection')]).toEqual([503, 'close'])
  expect(await ask(spillway)).toMatchObject({ status: 503, body: { error: { code: 'draining' } } })
  expect((await fetch(`${spillway.url}/healthz`)).status).toBe(200)
  spillway.child.kill('SIGTERM')
  const cut = JSON.parse(await spillway.logged(/stopped at once/)) as unknown
  expect(cut).toMatchObject({ level: 40, signal: 'SIGTERM', inFlight: 1 })
  expect(await spillway.exit).toEqual({ code: 143, signal: null })
})

test('SIGTERM to npm drains, and so does control-C, which comes from the terminal and from npm', async () => {
  for (const [signal, group] of [
    ['SIGTERM', 1],
    ['SIGINT', -1],
  ] as const) {
    const spillway = await npmStart(['--no-docs', '--echo-delay-ms', '1000'])
    started.push(spillway)
    const { answers } = await accepted(spillway, 1)
    process.kill(group * spillway.child.pid!, signal)
    expect((await answers).map(({ status }) => status)).toEqual([200])
    expect(await printed<Ledger>(spillway, 'Ledger')).toMatchObject({ submitted: 1, completed: 1 })
    expect(await spillway.exit).toEqual({ code: 0, signal: null })
    await expect(fetch(`${spillway.url}/healthz`)).rejects.toThrow()
  }
})

test('a port that is in use is a sentence on standard error', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const { code, stdout, stderr } = await runSpillway(['serve', '--no-docs', '--port', String(port)])
  other.close()
  expect(code).toBe(1)
  expect(stdout).toBe('')
  expect(stderr).toBe(
    `error: cannot listen on 127.0.0.1, port ${port}: the port is in use; stop what listens there, or choose another with --port\n`,
  )
})

test.each([
  [['serve', '--port', 'x'], 'error: --port must be a whole number from 0 to 65535, got "x"\n'],
  [['serve', '--prot', '1'], "error: unknown option '--prot'\n(Did you mean --port?)\n"],
  [['srve'], "error: unknown command 'srve'\n(Did you mean serve?)\n"],
  [['serve', '--docs', 'no-such-folder'], `error: --docs: ${resolve('no-such-folder')}: does not exist\n`],
  [['serve', '--docs', 'nowhere', '--watch-docs'], `error: --docs: ${resolve('nowhere')}: does not exist\n`],
  [['serve', '--docs', ''], 'error: --docs must not be empty\n'],
  [['serve', '--no-docs', '--docs', 'x'], 'error: --docs must not be given together with --no-docs, got "x"\n'],
  [['serve', '--docs', 'x', '--no-docs'], 'error: --docs must not be given together with --no-docs, got "x"\n'],
  [['serve', '--data-dir', 'package.json'], 'package.json is a file and not a folder; name a folder'],
])('%j is refused on standard error with exit code 1', async (args, message) => {
  const { code, stdout, stderr } = await runSpillway(args)
  expect(code).toBe(1)
  expect(stdout).toBe('')
  expect(stderr).toContain(message)
  expect(stderr).not.toMatch(/^ +at /m)
})

test('an endpoint that is not there: without --model a sentence, with --model a warning', async () => {
  const nobody = { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }
  const { code, stderr } = await runSpillway(['serve', '--no-docs', '--port', '0'], nobody)
  expect(code).toBe(1)
  expect(stderr).toMatch(/^error: OPENAI_BASE_URL does not tell which models it has: .*--model\n$/)
  const spillway = await start(['--no-docs', '--model', 'llama'], nobody)
  expect(spillway.lines.join('\n')).toContain('llama at http://127.0.0.1:9/v1')
  expect(JSON.parse(await spillway.logged(/does not answer yet/))).toMatchObject({ level: 40 })
  expect(await ask(spillway)).toMatchObject({ status: 503, body: { error: { code: 'model_unavailable' } } })
})

test('with --redact the log still says where the model is that cannot be reached', async () => {
  const nobody = { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }
  const spillway = await start(['--no-docs', '--model', 'llama', '--redact', 'mask'], nobody)
  expect((await ask(spillway, 'from 127.0.0.1 and 10.0.0.7')).status).toBe(503)
  const { error } = JSON.parse(await spillway.logged(/"request failed"/)) as { error: string }
  expect(error).toContain('cannot reach http://127.0.0.1:9/v1: ')
  const metrics = await (await fetch(`${spillway.url}/metrics`)).text()
  expect(metrics).not.toMatch(/^orchestrator_log_redactions_total.*kind="ip"/m)
})

test('a model server gets a prompt that quotes the right document, and its answer arrives whole', async () => {
  await using model = await startOpenAiServer({ chunks: ['Add it ', 'with `.stage()`', ', as written ', 'there.'] })
  const spillway = await start([], { OPENAI_BASE_URL: model.baseUrl })
  const client = new OpenAI({ baseURL: `${spillway.url}/v1`, apiKey: 'none', maxRetries: 0 })
  const messages = [{ role: 'user' as const, content: 'How do I add a stage?' }]
  const whole = await client.chat.completions.create({ model: 'fixture', messages })
  expect(whole.choices[0]).toMatchObject({
    message: { role: 'assistant', content: 'Add it with `.stage()`, as written there.' },
    finish_reason: 'stop',
  })
  let streamed = ''
  for await (const chunk of await client.chat.completions.create({ model: 'fixture', messages, stream: true })) {
    streamed += chunk.choices[0]?.delta.content ?? ''
  }
  expect(streamed).toBe(whole.choices[0]!.message.content)
  const prompts = model.requests.filter(({ path }) => path.endsWith('/chat/completions')).map(({ body }) => body!)
  expect(prompts.length).toBe(2)
  for (const prompt of prompts) {
    expect(prompt.messages.at(-1)).toEqual(messages[0])
    expect(prompt.messages[0]!.role).toBe('system')
    expect(prompt.messages[0]!.content).toContain('section: "Contributing > Add a stage"\n')
  }
  expect((await client.models.retrieve('fixture')).id).toBe('fixture')
  await expect(client.models.retrieve('gpt')).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
})

test('an endpoint says which models it has, and its answers are served', async () => {
  const model = await startOpenAiServer({ chunks: ['from ', 'the ', 'model'] })
  try {
    const spillway = await start(['--no-docs', '--host', 'localhost'], { OPENAI_BASE_URL: model.baseUrl })
    const client = new OpenAI({ baseURL: `${spillway.url}/v1`, apiKey: 'none', maxRetries: 0 })
    const { data: models } = await client.models.list()
    expect(models.length).toBeGreaterThan(0)
    const answer = await client.chat.completions.create({
      model: models[0]!.id,
      messages: [{ role: 'user', content: 'hello' }],
    })
    expect(answer.choices[0]!.message.content).toBe('from the model')
  } finally {
    await model.close()
  }
})

test('a template is followed while the server runs, and prompts are kept within their tokens', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-serve-'))
  try {
    const path = join(folder, 'prompt.jinja')
    writeFileSync(path, 'one')
    const spillway = await start(['--no-docs', '--template', path, '--max-prompt-tokens', '20'])
    expect((await ask(spillway)).body.choices).toMatchObject([{ message: { content: 'one\n\nhello' } }])
    writeFileSync(path, 'two')
    await vi.waitFor(async () => {
      expect((await ask(spillway)).body.choices).toMatchObject([{ message: { content: 'two\n\nhello' } }])
    }, 10_000)
    expect(await ask(spillway, 'word '.repeat(20))).toMatchObject({
      status: 400,
      body: { error: { code: 'context_length_exceeded', param: 'messages' } },
    })
    expect((await ask(spillway)).status).toBe(200)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a template that cannot be used is an error that names it', async () => {
  expect(await runSpillway(['serve', '--template', 'none.jinja'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(
      /^error: --template: \/.*none\.jinja cannot be read \(ENOENT\); name a file that holds a Jinja template\n$/,
    ) as string,
  })
})

test('text completions and embeddings go through the same filters, and their drain is reported', async () => {
  await using model = await startOpenAiServer()
  const folder = mkdtempSync(join(tmpdir(), 'spillway-words-'))
  const words = join(folder, 'words.txt')
  writeFileSync(words, 'Turbine\n')
  const spillway = await start(['--no-docs', '--filter-words', words], { OPENAI_BASE_URL: model.baseUrl })
  rmSync(folder, { recursive: true })
  const post = async (path: string, body: object): Promise<unknown> => {
    const headers = { 'content-type': 'application/json' }
    return (await fetch(`${spillway.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).json()
  }
  const completion = (await post('/v1/completions', { prompt: 'halls turbine empty' })) as OpenAI.Completion
  expect(completion.choices[0]?.text).toBe('empty *** halls')
  expect(await post('/v1/embeddings', { input: 'a' })).toMatchObject({ data: [{ index: 0 }] })
  const { pipelines } = (await (await fetch(`${spillway.url}/v1/pipeline`)).json()) as { pipelines: unknown }
  expect(pipelines).toMatchObject([
    { name: 'completions', state: 'running', ledger: { submitted: 1, completed: 1 } },
    { name: 'embeddings', state: 'running', ledger: { submitted: 1, completed: 1 } },
  ])
  spillway.child.kill('SIGTERM')
  for (const name of ['completions', 'embeddings']) {
    expect(await printed<DrainReport>(spillway, `Drained ${name}`)).toMatchObject({ inFlight: 0, timedOut: 0 })
    expect(await printed<Ledger>(spillway, `Ledger of ${name}`)).toMatchObject({ submitted: 1, completed: 1 })
  }
  expect(await spillway.exit).toEqual({ code: 0, signal: null })
})
