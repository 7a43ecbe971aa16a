import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { serveFixture } from './serve-fixture.ts'

interface Curled {
  readonly status: number
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Runs curl as a person would, with the answer's head printed before its body. */
async function curl(...args: readonly string[]): Promise<Curled> {
  const child = spawn('curl', ['-q', '--noproxy', '*', '-sS', '-i', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const closed = once(child, 'close') as Promise<[number]>
  const [printed, complaints, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed])
  expect([code, complaints]).toEqual([0, ''])
  const end = printed.indexOf('\r\n\r\n')
  const [first = '', ...lines] = printed.slice(0, end).split('\r\n')
  const headers = lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.replace(/^[^:]*: */, '')])
  return { status: Number(first.split(' ')[1]), headers: new Map(headers as never), body: printed.slice(end + 4) }
}

const posting = (body: object): readonly string[] => [
  '-H',
  'content-type: application/json',
  '-d',
  JSON.stringify(body),
]
const messages = [{ role: 'user', content: 'How high is the water?' }]

describe('chat', () => {
  test('whole', async () => {
    await using served = await serveFixture({ chunks: ['It is ', 'rising ', '😀.'] })
    const { status, headers, body } = await curl(`${served.baseURL}/chat/completions`, ...posting({ messages }))
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8'])
    expect(headers.get('x-request-id')).toMatch(/^\S+$/)
    expect(JSON.parse(body)).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { content: 'It is rising 😀.' } }],
    })
  })

  test('streamed: the frames come in order, and while the model is not done', async () => {
    await using served = await serveFixture({ chunks: ['one ', 'two ', 'three'], silentAfter: 3 })
    const child = spawn(
      'curl',
      ['-q', '--noproxy', '*', '-sSN', `${served.baseURL}/chat/completions`].concat(
        posting({ messages, stream: true }),
      ),
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    child.stdout.setEncoding('utf8')
    let printed = ''
    for await (const piece of child.stdout as AsyncIterable<string>) {
      printed += piece
      // The model says nothing more: what has been printed by now did not wait for the end.
      if (/three.*\n\n/s.test(printed)) break
    }
    const contents = printed
      .split('\n\n')
      .filter((frame) => frame.startsWith('data: '))
      .map((frame) => JSON.parse(frame.slice(6)) as { choices: [{ delta: { role?: string; content?: string } }] })
      .map(({ choices: [{ delta }] }) => delta)
    expect(contents[0]).toMatchObject({ role: 'assistant' })
    expect(contents.map(({ content }) => content ?? '').join('')).toBe('one two three')
    child.kill()
    expect(await (await served.model.request(0)).closed).toMatchObject({ complete: false })
  })

  test('streamed to its end', async () => {
    await using served = await serveFixture({ chunks: ['one ', 'two'] })
    const asked = posting({ messages, stream: true, stream_options: { include_usage: true } })
    const { status, headers, body } = await curl('-N', `${served.baseURL}/chat/completions`, ...asked)
    expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
    const frames = body.split('\n\n')
    expect(frames.slice(-2)).toEqual(['data: [DONE]', ''])
    expect(JSON.parse(frames.at(-3)!.slice(6))).toMatchObject({ choices: [], usage: { total_tokens: 7 } })
  })
})

describe('what is wrong is said with its status', () => {
  test.each([
    ['a field out of its range', { messages, n: 0 }, 400, 'n'],
    ['a field of the wrong type', { messages: 'hello' }, 400, 'messages'],
    ['a model that does not exist', { messages, model: 'gpt' }, 404, 'model'],
  ])('%s', async (_, asked, expected, param) => {
    await using served = await serveFixture()
    const { status, body } = await curl(`${served.baseURL}/chat/completions`, ...posting(asked))
    expect(status).toBe(expected)
    expect(JSON.parse(body)).toMatchObject({ error: { type: 'invalid_request_error', param } })
  })

  test('curl sends a form where it is not told otherwise', async () => {
    await using served = await serveFixture()
    const { status, body } = await curl(`${served.baseURL}/chat/completions`, '-d', JSON.stringify({ messages }))
    expect(status).toBe(415)
    expect(body).toContain('application/json')
  })

  test('an overloaded model, and when to try again', async () => {
    await using served = await serveFixture({
      error: { status: 429, message: 'slow down', headers: { 'retry-after': '7' } },
    })
    for (const stream of [false, true]) {
      const { status, headers, body } = await curl(
        `${served.baseURL}/chat/completions`,
        ...posting({ messages, stream }),
      )
      expect([status, headers.get('retry-after')]).toEqual([429, '7'])
      expect(JSON.parse(body)).toMatchObject({ error: { code: 'model_overloaded' } })
    }
  })
})

test('models, metrics and health', async () => {
  await using served = await serveFixture()
  const origin = new URL(served.baseURL).origin
  expect(JSON.parse((await curl(`${origin}/v1/models`)).body)).toMatchObject({ data: [{ id: 'fixture' }] })
  expect(JSON.parse((await curl(`${origin}/healthz`)).body)).toEqual({ status: 'alive' })
  await curl(`${origin}/v1/chat/completions`, ...posting({ messages }))
  const metrics = await curl(`${origin}/metrics`)
  expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(metrics.body).toContain('orchestrator_http_requests_total{route="/v1/chat/completions",status="200"} 1')
  const head = await curl('--head', `${origin}/healthz`)
  expect([head.status, head.body]).toEqual([200, ''])
})
