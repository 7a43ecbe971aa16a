import type { Buffer } from 'node:buffer'
import { nextTick } from 'node:process'
import type { Cluster, Redis } from 'ioredis'
import {
  checkClock,
  checkFunction,
  checkInteger,
  checkKeys,
  type Clock,
  messageOf,
  type RandomSource,
  systemClock,
  systemRandom,
} from '../../../operators/index.ts'
import { StoreError } from '../store-error.ts'
import { abortable } from './abortable.ts'
import { makeRedisClient, type RedisTlsOptions } from './redis-client.ts'
import type { RedisScript } from './redis-script.ts'
import { parseRedisUrl } from './redis-url.ts'

/** Where Redis is, and how long it is waited for. */
export interface RedisConnectionOptions {
  /**
   * `redis://[[user]:password@]host[:port][/database]`, `rediss://…` with TLS; a list of such URLs names nodes of a
   * cluster.
   */
  readonly url: string | readonly string[]
  readonly tls?: RedisTlsOptions
  /** How long a command may take, 1 …; default 800 ms. What takes longer rejects, and may have been done. */
  readonly commandTimeoutMs?: number
  /** How long connecting may take, 1 …; default 500 ms. */
  readonly connectTimeoutMs?: number
  /** The longest pause before the next attempt to connect, 1 …; default 5,000 ms. */
  readonly maxReconnectDelayMs?: number
  /** Commands without an answer at a time, 1 …; default 1,000. Beyond it they reject at once. */
  readonly maxInFlight?: number
  /** Default the system's. Redis keeps its own time. */
  readonly clock?: Clock
  /** For the pauses between attempts to connect; default the platform's. */
  readonly random?: RandomSource
}

/** Whether Redis can be asked. */
export interface RedisConnectionState {
  /** Whether commands are sent; of a cluster, whether one of its nodes can be asked where the others are. */
  readonly connected: boolean
  /** Since when that is so, in milliseconds since 1970-01-01 UTC. */
  readonly since: number
  /** The last failure of a connection or a command, since the connection was made; never the password. */
  readonly lastError?: { readonly message: string; readonly at: number }
}

/** What Redis answers: texts are bytes. */
export type RedisReply = Buffer | number | null | readonly RedisReply[]

/** What ioredis says of a command that it has not sent. */
const notSent = /enableOfflineQueue options is false|Connection is closed/
/** What it says of one whose connection broke before the answer. */
const broken = /Reached the max retries per request|Command aborted due to connection close/

type Argument = string | number | Buffer

interface Cancellable {
  readonly signal?: AbortSignal
}

/**
 * A connection to Redis or to a Redis cluster, which stores may share. It reconnects by itself; while Redis is away,
 * commands reject at once or after `commandTimeoutMs`.
 */
export class RedisConnection {
  /** The hosts and ports, without the password. */
  readonly name: string
  private readonly client: Redis | Cluster
  private readonly clock: Clock
  private readonly commandTimeoutMs: number
  private readonly maxInFlight: number
  /** Until the first attempt to connect has ended, well or not. */
  private opening: Promise<void> | undefined
  private inFlight = 0
  private current: RedisConnectionState

  /** @throws RangeError or TypeError that names the option, its value and the allowed range; never the password. */
  constructor(options: RedisConnectionOptions) {
    checkKeys('redis', options, [
      ...['url', 'tls', 'commandTimeoutMs', 'connectTimeoutMs', 'maxReconnectDelayMs', 'maxInFlight'],
      ...['clock', 'random'],
    ])
    const target = parseRedisUrl(options.url)
    this.name = target.name
    this.clock = checkClock('clock', options.clock ?? systemClock)
    this.commandTimeoutMs = checkInteger('commandTimeoutMs', options.commandTimeoutMs ?? 800, { min: 1 })
    this.maxInFlight = checkInteger('maxInFlight', options.maxInFlight ?? 1000, { min: 1 })
    this.current = { connected: false, since: this.clock.wallTime() }
    const connectTimeoutMs = checkInteger('connectTimeoutMs', options.connectTimeoutMs ?? 500, { min: 1 })
    const tls = options.tls ?? {}
    checkKeys('tls', tls, ['ca', 'cert', 'key', 'servername'])
    this.client = makeRedisClient(target, {
      tls,
      connectTimeoutMs,
      commandTimeoutMs: this.commandTimeoutMs,
      maxReconnectDelayMs: checkInteger('maxReconnectDelayMs', options.maxReconnectDelayMs ?? 5000, { min: 1 }),
      random: checkFunction('random', options.random ?? systemRandom),
    })
    this.opening = this.watch(connectTimeoutMs + this.commandTimeoutMs)
  }

  get state(): RedisConnectionState {
    return this.current
  }

  /** Whether keys are spread over several nodes. */
  get isCluster(): boolean {
    return this.client.isCluster
  }

  /**
   * Sends a command to the node that has its key.
   *
   * @internal
   * @throws StoreError whose message names the server and says what failed; the command may have been done.
   */
  async send(name: string, args: readonly Argument[], options: Cancellable = {}): Promise<RedisReply> {
    options.signal?.throwIfAborted()
    if (this.opening !== undefined) await abortable(this.opening, options.signal)
    return this.ask(this.client, name, args, options.signal)
  }

  /**
   * Runs a script where its keys are, which must be in one slot.
   *
   * @internal
   * @throws StoreError as `send`.
   */
  async run(
    script: RedisScript,
    keys: readonly string[],
    args: readonly Argument[],
    options: Cancellable = {},
  ): Promise<RedisReply> {
    const rest = [keys.length, ...keys, ...args]
    try {
      return await this.send('EVALSHA', [script.sha, ...rest], options)
    } catch (error) {
      if (!(error instanceof StoreError) || !messageOf(error.cause).startsWith('NOSCRIPT')) throw error
      // The server was restarted, or its scripts were flushed: with the source it knows it again.
      return this.send('EVAL', [script.source, ...rest], options)
    }
  }

  /**
   * Sends commands to each master, one after the other.
   *
   * @internal
   * @param visit Is called for each with a function that asks that master.
   */
  async eachMaster(
    visit: (send: (name: string, args: readonly Argument[]) => Promise<RedisReply>) => Promise<void>,
    options: Cancellable = {},
  ): Promise<void> {
    if (this.opening !== undefined) await abortable(this.opening, options.signal)
    const { client } = this
    for (const master of client.isCluster ? (client as Cluster).nodes('master') : [client]) {
      await visit((name, args) => this.ask(master, name, args, options.signal))
    }
  }

  /**
   * What is told of an error of Redis, or of the way to it.
   *
   * @internal
   */
  failureOf(error: unknown): StoreError {
    const said = messageOf(error)
    const { lastError } = this.current
    let message = said
    if (said === 'Command timed out') message = `no answer within ${this.commandTimeoutMs} ms`
    else if (notSent.test(said)) message = `not connected${lastError === undefined ? '' : ` (${lastError.message})`}`
    else if (broken.test(said)) message = 'the connection broke'
    // Why it is not connected was said when it broke.
    if (!notSent.test(said)) this.current = { ...this.current, lastError: { message, at: this.clock.wallTime() } }
    // Not the error itself: it has the command's arguments on it, a password or a prompt.
    return new StoreError(`Redis at ${this.name}: ${message}`, { cause: new Error(said) })
  }

  /** Closes the connection; commands that have no answer yet reject. */
  async close(): Promise<void> {
    if (this.client.status === 'end') return
    this.client.disconnect()
    this.set(false)
  }

  private async ask(
    client: Redis | Cluster,
    name: string,
    args: readonly Argument[],
    signal: AbortSignal | undefined,
  ): Promise<RedisReply> {
    signal?.throwIfAborted()
    if (this.inFlight >= this.maxInFlight) {
      throw new StoreError(`Redis at ${this.name}: ${this.inFlight} commands wait for an answer (maxInFlight)`)
    }
    this.inFlight += 1
    corkUntilSent(client)
    const answer = (client.callBuffer(name, ...args) as Promise<RedisReply>).then(
      (reply) => {
        this.inFlight -= 1
        return reply
      },
      (error: unknown) => {
        this.inFlight -= 1
        throw this.failureOf(error)
      },
    )
    return abortable(answer, signal)
  }

  private watch(longestMs: number): Promise<void> {
    const { client, clock } = this
    return new Promise((resolve) => {
      const decided = (): void => {
        clock.clearTimeout(timer)
        this.opening = undefined
        resolve()
      }
      const timer = clock.setTimeout(decided, longestMs)
      client.on('ready', () => {
        this.set(true)
        decided()
      })
      for (const event of ['close', 'end']) {
        client.on(event, () => {
          this.set(false)
          decided()
        })
      }
      client.on('error', (error: unknown) => void this.failureOf(error))
      client.on('node error', (error: unknown) => void this.failureOf(error))
    })
  }

  private set(connected: boolean): void {
    if (this.current.connected === connected) return
    this.current = { ...this.current, connected, since: this.clock.wallTime() }
  }
}

/** Lets all commands of this turn of the event loop leave in one write. */
function corkUntilSent(client: Redis | Cluster): void {
  for (const { stream } of client.isCluster ? (client as Cluster).nodes('master') : [client as Redis]) {
    // There is none before it is connected.
    if ((stream as typeof stream | undefined)?.writableCorked !== 0) continue
    stream.cork()
    nextTick(() => {
      stream.uncork()
    })
  }
}

/**
 * Connects to Redis, and keeps trying for as long as it is not closed.
 *
 * @example
 * ```ts
 * const redis = createRedisConnection({ url: 'redis://:secret@127.0.0.1:6379' })
 * const deadLetters = createRedisDeadLetterStore({ connection: redis })
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range; never the password.
 */
export function createRedisConnection(options: RedisConnectionOptions): RedisConnection {
  return new RedisConnection(options)
}
