import type { Buffer } from 'node:buffer'
import { checkInteger } from '../../../operators/index.ts'
import { SessionCodec } from '../session-codec.ts'
import { checkSessionStore, type SessionStoreOptions } from '../session-options.ts'
import type { SessionStore } from '../session-store.ts'
import { StoreError } from '../store-error.ts'
import type { RedisReply } from './redis-connection.ts'
import type { RedisScript } from './redis-script.ts'
import { deleteScript, getScript, touchScript, updateScript } from './session-scripts.ts'
import { openRedisPlace, type RedisPlaceOptions } from './store-place.ts'

/** Where sessions are kept, for how long, and what they may hold. */
export interface RedisSessionStoreOptions extends SessionStoreOptions, RedisPlaceOptions {}

/**
 * Keeps sessions in Redis 7 or newer, or in a cluster of it: each is one key, each call one script, by the time of
 * Redis, which forgets what is over by itself. Sessions are as safe as Redis keeps them: as it comes, a restart loses
 * all, and a fail-over to a replica may lose the last updates.
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range; never the password.
 *
 * @example
 * ```ts
 * const sessions = createRedisSessionStore({ url: 'redis://:secret@127.0.0.1:6379' })
 * ```
 */
export function createRedisSessionStore(options: RedisSessionStoreOptions): SessionStore {
  const settings = checkSessionStore('createRedisSessionStore', options, ['url', 'connection', 'prefix'])
  const { connection, prefix, leave } = openRedisPlace('createRedisSessionStore', options)
  const codec = new SessionCodec(settings)
  let closed = false

  const run = (
    script: RedisScript,
    key: string,
    signal: AbortSignal | undefined,
    args: readonly (string | number | Buffer)[] = [],
  ): Promise<RedisReply> => {
    if (closed) throw new StoreError('the session store is closed')
    const { ttlMs, maxAgeMs } = settings
    return connection.run(script, [`${prefix}:{s:${key}}:state`], [ttlMs, maxAgeMs, ...args], signal && { signal })
  }

  return {
    maxBytes: settings.maxBytes,
    get: async (id, { signal } = {}) => {
      const key = codec.keyOf(id)
      const reply = await run(getScript, key, signal)
      if (reply === null) return undefined
      const [version, updatedAt, data] = reply as readonly [number, Buffer, Buffer]
      return { version, state: codec.decode(data, key), updatedAt: Number(updatedAt.toString()) }
    },
    update: async (id, expectedVersion, state, { signal } = {}) => {
      const key = codec.keyOf(id)
      checkInteger('expectedVersion', expectedVersion)
      const { payload, digest } = codec.encode(state, key)
      const reply = await run(updateScript, key, signal, [expectedVersion, digest, payload])
      return String(reply) === 'ok' ? 'ok' : 'conflict'
    },
    touch: async (id, { signal } = {}) => (await run(touchScript, codec.keyOf(id), signal)) === 1,
    delete: async (id, { signal } = {}) => (await run(deleteScript, codec.keyOf(id), signal)) === 1,
    close: async () => {
      closed = true
      await leave()
    },
  }
}
