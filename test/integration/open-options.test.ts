import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { text } from 'node:stream/consumers'
import type { IncomingMessage } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createServer } from '../../src/server/index.ts'
import { type SelfSigned, selfSigned } from '../fixtures/certificate.ts'
import { rawExchange, rawSocket, readResponses } from '../fixtures/raw-exchange.ts'
import { scriptedPipeline } from '../src/server/scripted-pipeline.ts'
import { get, hello, post, route } from './bad-input-row.ts'
import { startOpenServer } from './open-server.ts'
import { runSpillway, startSpillway } from './spillway-process.ts'

let first: SelfSigned
let second: SelfSigned
let folder: string
let files: readonly string[]
beforeAll(async () => {
  ;[first, second] = [await selfSigned(), await selfSigned(5)]
  folder = await mkdtemp(join(tmpdir(), 'spillway-open-'))
  files = ['--tls-cert', join(folder, 'cert.pem'), '--tls-key', join(folder, 'key.pem')]
})
afterAll(() => rm(folder, { recursive: true }))

async function write({ cert, key }: SelfSigned): Promise<void> {
  await writeFile(join(folder, 'cert.pem'), cert)
  await writeFile(join(folder, 'key.pem'), key)
}

async function ask(port: number, ca: string): Promise<number | undefined> {
  const asking = request({
    host: '127.0.0.1',
    port,
    ca,
    path: route,
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json' },
  })
  asking.end(hello)
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  await text(response)
  return response.statusCode
}

test('by TLS: requests, a plain one, a slow handshake, an old version, a renewed certificate', async () => {
  const server = await startOpenServer({ tls: first, limits: { headersTimeoutMs: 300 } })
  const { port } = server
  expect(await ask(port, first.cert)).toBe(200)
  const plain = await rawSocket(port)
  plain.write(get('/healthz'))
  const [told] = await readResponses(plain)
  expect(told).toMatchObject({ status: 400, code: 'http_without_tls' })
  expect(told!.message).toBe('this port speaks HTTPS: use https:// here')
  const silent = await rawSocket(port)
  await readBytes(silent)
  const old = connectTls({ host: '127.0.0.1', port, ca: first.cert, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' })
  await expect(once(old, 'secureConnect')).rejects.toThrow()
  const slow = connectTls({ host: '127.0.0.1', port, ca: first.cert })
  slow.on('error', () => undefined)
  slow.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n')
  expect(await readResponses(slow)).toMatchObject([{ status: 408, code: 'headers_timeout' }])
  await server.quiet()
  expect(await server.counted('unmatched', 400)).toBe(3)
  server.renewTls(second)
  await expect(ask(port, first.cert)).rejects.toThrow()
  expect(await ask(port, second.cert)).toBe(200)
  expect(() => server.renewTls({ ...second, key: first.key })).toThrow('tls.key must be the private key of tls.cert')
  expect(await ask(port, second.cert)).toBe(200)
  await server.quiet()
  await server.close()
})

/** Until the connection is closed. */
async function readBytes(socket: Awaited<ReturnType<typeof rawSocket>>): Promise<void> {
  socket.resume()
  await new Promise((resolve) => socket.once('close', resolve))
}

test('the command line serves by files, says https, and reads them again on SIGHUP', async () => {
  await write(first)
  const spillway = await startSpillway(['--no-docs', ...files])
  try {
    const port = Number(new URL(spillway.url).port)
    expect(spillway.url).toMatch(/^https:/)
    expect(await spillway.line(/curl/)).toContain(`curl https://127.0.0.1:${port}/`)
    expect(await ask(port, first.cert)).toBe(200)
    await write(second)
    spillway.child.kill('SIGHUP')
    expect(JSON.parse(await spillway.logged(/the certificate has been read again/))).toMatchObject({
      level: 30,
      subject: 'CN=127.0.0.1',
      expires: new Date(new X509Certificate(second.cert).validTo).toISOString(),
    })
    expect(JSON.parse(await spillway.logged(/within 14 days/))).toMatchObject({ level: 40, subject: 'CN=127.0.0.1' })
    expect(await ask(port, second.cert)).toBe(200)
    await write({ cert: first.cert, key: second.key })
    spillway.child.kill('SIGHUP')
    expect(JSON.parse(await spillway.logged(/has not been renewed/))).toMatchObject({
      level: 50,
      reason: expect.stringContaining('--tls-key') as string,
    })
    expect(await ask(port, second.cert)).toBe(200)
  } finally {
    await spillway.stop()
  }
})

test('files that are missing or do not belong together are told', async () => {
  await write({ cert: first.cert, key: second.key })
  const { code, stderr } = await runSpillway(['serve', '--no-docs', ...files])
  expect(code).toBe(1)
  expect(stderr).toBe(
    `error: --tls-key "${folder}/key.pem" must be the private key of --tls-cert "${folder}/cert.pem", got that of another certificate\n`,
  )
  const missing = await runSpillway(['serve', '--no-docs', '--tls-cert', '/nowhere.pem', '--tls-key', '/nowhere.pem'])
  expect(missing.stderr).toBe('error: --tls-cert "/nowhere.pem": does not exist\n')
})

test('a server without TLS has no certificate to renew', () => {
  const { running } = scriptedPipeline(async function* () {
    yield [{ text: 'x' }]
    return undefined
  })
  const models = [{ id: 'm', provider: 'test', models: ['echo'], capabilities: ['chat'] }] as const
  expect(() => createServer({ running, models }).renewTls(first)).toThrow('renewTls is for a server')
})

test('pages of other origins: a preflight needs no key, and every answer, streamed ones too, says who may read it', async () => {
  const origin = 'https://a.example'
  const server = await startOpenServer({ apiKey: 'secret', corsOrigins: [origin] })
  const head = `OPTIONS ${route} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\naccess-control-request-method: POST\r\n`
  expect(await rawExchange(server.port, `${head}origin: ${origin}\r\n\r\n`)).toMatchObject([
    { status: 204, headers: { 'access-control-allow-origin': origin, 'access-control-max-age': '7200' } },
  ])
  expect(await rawExchange(server.port, `${head}origin: https://b.example\r\n\r\n`)).toMatchObject([{ status: 401 }])
  const streamed = `${hello.slice(0, -1)},"stream":true}`
  for (const [body, key, status] of [
    [hello, 'secret', 200],
    [hello, 'wrong', 401],
    [streamed, 'secret', 200],
  ] as const) {
    const headers = `content-type: application/json\r\norigin: ${origin}\r\nauthorization: Bearer ${key}\r\n`
    const [response] = await rawExchange(server.port, post(body, headers))
    expect(response).toMatchObject({
      status,
      headers: { 'access-control-allow-origin': origin, vary: 'origin' },
    })
  }
  await server.quiet()
  await server.close()
})
