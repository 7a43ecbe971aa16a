import { checkMethods, checkText, show } from '../../../operators/index.ts'
import { createRedisConnection, type RedisConnection } from './redis-connection.ts'

/** Where a store's keys are. */
export interface RedisPlaceOptions {
  /** Where Redis is; or give a `connection`. */
  readonly url?: string | readonly string[]
  /** A connection that others use, too; the store does not close it. */
  readonly connection?: RedisConnection
  /** What all keys begin with; default `'orc'`. */
  readonly prefix?: string
}

/** A store's connection and what its keys begin with. */
export interface RedisPlace {
  readonly connection: RedisConnection
  readonly prefix: string
  /** Closes the connection, if it is the store's own. */
  readonly leave: () => Promise<void>
}

/**
 * @param creator Whose options they are, for the message.
 * @throws RangeError or TypeError that names the option, its value and the allowed range; never the password.
 */
export function openRedisPlace(creator: string, { url, connection, prefix = 'orc' }: RedisPlaceOptions): RedisPlace {
  if (!/^[\w:.-]+$/.test(checkText('prefix', prefix))) {
    throw new RangeError(`prefix must be letters, digits, "_", ":", "." and "-", got ${show(prefix)}`)
  }
  if (connection !== undefined && url === undefined) {
    checkMethods('connection', connection, 'a RedisConnection', ['run', 'close'])
    return { connection, prefix, leave: () => Promise.resolve() }
  }
  if (url === undefined || connection !== undefined) {
    throw new TypeError(`${creator}: either url or connection must be given`)
  }
  const own = createRedisConnection({ url })
  return { connection: own, prefix, leave: () => own.close() }
}
