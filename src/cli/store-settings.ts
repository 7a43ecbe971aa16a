import { checkText, messageOf } from '../../operators/index.ts'
import { parseRedisUrl } from '../stores/redis/redis-url.ts'
import { encryptionKeys } from './encryption-keys.ts'

/** Where Redis is. */
interface RedisSettings {
  /** One, or those of some nodes of a cluster. */
  readonly url: string | readonly string[]
  /** Hosts and ports, without the password. */
  readonly name: string
}

/** Where state is kept. */
export interface StoreSettings {
  readonly dataDir: string
  /** `undefined`: in the data folder alone. */
  readonly redis: RedisSettings | undefined
  /** The first one encrypts, all decrypt; none: what is stored can be read. */
  readonly encryptionKeys: readonly Uint8Array[]
}

/**
 * Puts the command line and the environment together.
 *
 * @throws TypeError or RangeError naming the option or the variable, and what is allowed.
 */
export function storeSettings(
  dataDir: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): StoreSettings {
  // An empty variable is how a shell or a compose file leaves one out.
  const redisUrl = environment['REDIS_URL'] || undefined
  return {
    dataDir: checkText('--data-dir', dataDir ?? '.spillway'),
    redis: redisUrl === undefined ? undefined : redisTarget('REDIS_URL', redisUrl),
    encryptionKeys: encryptionKeys('SPILLWAY_ENCRYPTION_KEY', environment['SPILLWAY_ENCRYPTION_KEY'] || undefined),
  }
}

/** @throws RangeError that never shows a password. */
function redisTarget(option: string, text: string): RedisSettings {
  const urls = text.split(',').map((each) => each.trim())
  const [first = ''] = urls
  const url = urls.length === 1 ? first : urls
  try {
    return { url, name: parseRedisUrl(url).name }
  } catch (error) {
    throw new RangeError(messageOf(error).replace(/^url\b/, option), { cause: error })
  }
}
