import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { exponentialBackoff, type RandomSource } from '../../../operators/index.ts'
import type { RedisTarget } from './redis-url.ts'

/** What TLS needs beside the URL `rediss://…`, in PEM. */
export interface RedisTlsOptions {
  /** Of whoever signed the server's certificate; default those that Node.js trusts. */
  readonly ca?: string
  /** For a server that asks its clients for a certificate. */
  readonly cert?: string
  readonly key?: string
  /** The name in the server's certificate; default the host of the URL. */
  readonly servername?: string
}

/** What a client is made with; everything in milliseconds. */
export interface RedisClientSettings {
  readonly tls: RedisTlsOptions
  readonly commandTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly maxReconnectDelayMs: number
  readonly random: RandomSource
}

/**
 * Makes a client that never keeps a command for later and never sends one twice: what fails, fails soon, and whoever
 * called decides. With ioredis' defaults, `INCR` ran twice after a reconnect, a stopped server hung its callers for
 * ever, and the commands for an absent server filled the memory.
 */
export function makeRedisClient(target: RedisTarget, settings: RedisClientSettings): Redis | Cluster {
  const { random, commandTimeoutMs, maxReconnectDelayMs } = settings
  const reconnectDelay = exponentialBackoff({
    initialMs: Math.min(50, maxReconnectDelayMs),
    maxMs: maxReconnectDelayMs,
    jitter: 'full',
    random,
  })
  const options = {
    username: target.username,
    password: target.password,
    ...(target.tls && { tls: { ...settings.tls } }),
    connectionName: 'spillway',
    disableClientInfo: true,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
    connectTimeout: settings.connectTimeoutMs,
    // A command that was given up is forgotten only with its connection: one that is silent for longer is not kept.
    socketTimeout: Math.ceil(commandTimeoutMs * 1.25),
    maxLoadingRetryTime: 1000,
    // A server that has become a replica: the name may lead to the new master by now.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  } satisfies RedisOptions
  if (!target.cluster) {
    const [node] = target.nodes
    return new Redis({ ...options, ...node, db: target.db, enableOfflineQueue: false, retryStrategy: reconnectDelay })
  }
  return new Cluster([...target.nodes], {
    redisOptions: options,
    enableOfflineQueue: false,
    clusterRetryStrategy: reconnectDelay,
    slotsRefreshInterval: 5000,
    // A command whose connection broke may have run: the cluster's client would send it again.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // A certificate names a host, not its address.
    ...(target.tls && { dnsLookup: keepName }),
  })
}

function keepName(host: string, done: (error: null, address: string) => void): void {
  done(null, host)
}
