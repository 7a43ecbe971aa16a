import { describe, expect, test } from 'vitest'
import { serveSettings } from '../../../src/cli/serve-settings.ts'

const endpoint = { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }

test('without anything: loopback, port 8080, the echo model, the own documents', () => {
  expect(serveSettings({}, {})).toEqual({
    host: '127.0.0.1',
    port: 8080,
    dataDir: '.spillway',
    docs: 'own',
    template: undefined,
    maxPromptTokens: undefined,
    watchDocs: false,
    maxBytes: 10_000_000,
    chunks: { maxTokens: 256, overlapTokens: 25 },
    endpoint: undefined,
    echoDelayMs: 0,
    inferenceConcurrency: 16,
    inferenceTimeoutMs: 60_000,
    filters: { words: undefined, patterns: undefined, action: 'mask', maxMatchChars: 256 },
    scale: 1,
    admission: 'door',
    deadlineMs: undefined,
    drainTimeoutMs: 30_000,
    logLevel: 'info',
    apiKeys: undefined,
    limits: {},
    redaction: undefined,
    tls: undefined,
    corsOrigins: [],
    allowedHosts: [],
    redis: undefined,
    encryptionKeys: [],
    sessions: { ttlMs: 86_400_000, onOutage: 'continue-without' },
    deadLetters: {
      kinds: ['failed', 'expired'],
      redrive: true,
      maxAgeMs: 604_800_000,
      maxEntries: 100_000,
      maxAttempts: 5,
    },
  })
})

test('everything that is given is taken', () => {
  const given = {
    watchDocs: true,
    host: '0.0.0.0',
    port: '0',
    dataDir: '/tmp/x',
    docs: ['a', 'b'],
    template: 'prompt.jinja',
    maxPromptTokens: '4000',
    model: 'llama',
    inferenceConcurrency: '4',
    inferenceTimeoutMs: '180000',
    filterWords: 'words.txt',
    filterPatterns: 'patterns.txt',
    filterAction: 'end',
    filterMaxMatchChars: '1000',
    scale: '0.5',
    admission: 'stage',
    deadlineMs: '5000',
    drainTimeoutMs: '0',
    logLevel: 'silent',
    limit: ['bodyBytes=10'],
    tlsCert: 'c.pem',
    tlsKey: 'k.pem',
    corsOrigin: ['https://a.example'],
    allowedHost: ['b.example'],
    deadLetters: 'shed',
    redrive: false,
    deadLettersMaxAge: '1h',
    deadLettersMaxEntries: '5',
    deadLettersMaxAttempts: '2',
    sessions: false,
  }
  const stores = { REDIS_URL: 'redis://r', SPILLWAY_ENCRYPTION_KEY: '00'.repeat(32) }
  const environment = { ...endpoint, OPENAI_API_KEY: 'k', SPILLWAY_API_KEY: 's,t', PORT: '99', ...stores }
  expect(serveSettings(given, environment)).toEqual({
    watchDocs: true,
    maxBytes: 10_000_000,
    chunks: { maxTokens: 256, overlapTokens: 25 },
    host: '0.0.0.0',
    port: 0,
    dataDir: '/tmp/x',
    docs: ['a', 'b'],
    template: 'prompt.jinja',
    maxPromptTokens: 4_000,
    endpoint: { baseUrl: 'http://127.0.0.1:9/v1', apiKey: 'k', model: 'llama' },
    echoDelayMs: 0,
    inferenceConcurrency: 4,
    inferenceTimeoutMs: 180_000,
    filters: { words: 'words.txt', patterns: 'patterns.txt', action: 'end', maxMatchChars: 1000 },
    scale: 0.5,
    admission: 'stage',
    deadlineMs: 5000,
    drainTimeoutMs: 0,
    logLevel: 'silent',
    apiKeys: ['s', 't'],
    limits: { bodyBytes: 10 },
    tls: { cert: 'c.pem', key: 'k.pem' },
    corsOrigins: ['https://a.example'],
    allowedHosts: ['b.example'],
    redis: { url: 'redis://r', name: 'r:6379' },
    encryptionKeys: [Buffer.alloc(32)],
    deadLetters: { kinds: ['shed'], redrive: false, maxAgeMs: 3_600_000, maxEntries: 5, maxAttempts: 2 },
  })
})

test('--no-docs, PORT, and variables that are empty', () => {
  expect(serveSettings({ noDocs: true }, { PORT: '81' })).toMatchObject({ docs: 'none', port: 81 })
  const empty = { PORT: '', OPENAI_BASE_URL: '', SPILLWAY_API_KEY: '' }
  expect(serveSettings({ noDocs: false }, empty)).toEqual(serveSettings({}, {}))
})

test('documents that are named twice are taken once', () => {
  expect(serveSettings({ docs: ['a', './b', 'a/', './a', 'b'] }, {}).docs).toEqual(['a', './b'])
})

describe('what is wrong is named, with its value and what is allowed', () => {
  test.each<[object, Record<string, string>, string]>([
    [{ maxPromptTokens: '0' }, {}, '--max-prompt-tokens must be a whole number from 1'],
    [{ template: '' }, {}, '--template must not be empty'],
    [{ tlsCert: 'c' }, {}, '--tls-cert must be given together with --tls-key'],
    [{ tlsKey: 'k' }, {}, '--tls-key must be given together with --tls-cert'],
    [
      { corsOrigin: ['a.example'] },
      {},
      '--cors-origin must be origins such as https://chat.example.org, or *, got "a.example"',
    ],
    [
      { allowedHost: ['b.example:80'] },
      {},
      '--allowed-host must be host names without scheme and port, such as chat.example.org, or *, got "b.example:80"',
    ],
    [{ port: 'x' }, {}, '--port must be a whole number from 0 to 65535, got "x"'],
    [{ port: '65536' }, {}, '--port must be a whole number from 0 to 65535, got 65536'],
    [{ port: '1.5' }, {}, '--port must be a whole number from 0 to 65535, got 1.5'],
    [{ port: '' }, {}, '--port must be a whole number from 0 to 65535, got ""'],
    [{}, { PORT: '-1' }, 'PORT must be a whole number from 0 to 65535, got -1'],
    [{ scale: '0' }, {}, '--scale must be a number from 0.001 to 1000, got 0'],
    [{ scale: '0x10' }, {}, '--scale must be a number from 0.001 to 1000, got "0x10"'],
    [{ echoDelayMs: '-1' }, {}, '--echo-delay-ms must be a number from 0 to 3600000, got -1'],
    [{ inferenceConcurrency: '0' }, {}, '--inference-concurrency must be a whole number from 1 to 65536, got 0'],
    [{ inferenceTimeoutMs: '0' }, {}, '--inference-timeout-ms must be a whole number from 1 to 300000, got 0'],
    [{ inferenceTimeoutMs: 'long' }, {}, '--inference-timeout-ms must be a whole number from 1 to 300000, got "long"'],
    [{ filterAction: 'end' }, {}, '--filter-action is only for --filter-words and --filter-patterns, got "end"'],
    [{ filterWords: 'w', filterAction: 'drop' }, {}, '--filter-action must be one of "mask", "remove", "end"'],
    [
      { filterWords: 'w', filterMaxMatchChars: '9' },
      {},
      '--filter-max-match-chars is only for --filter-patterns, got "9" without it',
    ],
    [
      { filterPatterns: 'p', filterMaxMatchChars: '4097' },
      {},
      '--filter-max-match-chars must be a whole number from 1 to 4096, got 4097',
    ],
    [{ docs: [''] }, {}, '--docs must not be empty'],
    [{ docs: ['a', ''] }, {}, '--docs must not be empty'],
    [{ docs: ['a'], noDocs: true }, {}, '--docs must not be given together with --no-docs, got "a"'],
    [{ watchDocs: true, noDocs: true }, {}, '--watch-docs must not be given together with --no-docs'],
    [{}, { SPILLWAY_API_KEY: 'a b' }, 'SPILLWAY_API_KEY must be printable ASCII characters without white space'],
    [{ admission: 'gate' }, {}, '--admission must be one of "door", "stage", got "gate"'],
    [{ deadlineMs: '0' }, {}, '--deadline-ms must be a number from 1 to 86400000, got 0'],
    [{ drainTimeoutMs: 'soon' }, {}, '--drain-timeout-ms must be a number from 0 to 3600000, got "soon"'],
    [{ logLevel: 'loud' }, {}, '--log-level must be one of "debug", "info", "warn", "error", "silent", got "loud"'],
    [{ dataDir: '' }, {}, '--data-dir must not be empty'],
    [{ model: '' }, {}, '--model must not be empty'],
    [{ model: 'llama' }, {}, 'OPENAI_BASE_URL'],
    [{ echoDelayMs: '5' }, endpoint, '--echo-delay-ms is for the echo model'],
    [{}, { OPENAI_BASE_URL: 'localhost:11434' }, 'OPENAI_BASE_URL must be an http or https address'],
    [{ host: '0.0.0.0' }, {}, '--host must be a loopback address'],
    [{ host: '127.evil.example' }, {}, '--host must be a loopback address'],
    [{ host: '::' }, {}, 'SPILLWAY_API_KEY'],
  ])('%j %j', (given, environment, message) => {
    expect(() => serveSettings(given, environment)).toThrow(message)
  })

  test.each(['localhost', '127.0.0.1', '127.1.2.3', '::1'])('%s needs no key', (host) => {
    expect(serveSettings({ host }, {}).host).toBe(host)
  })
})
