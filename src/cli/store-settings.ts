import { checkText, show } from '../../operators/index.ts'
import { encryptionKeys } from './encryption-keys.ts'

/** Where state is kept. */
export interface StoreSettings {
  readonly dataDir: string
  /** `undefined`: in the data folder alone. */
  readonly redisUrl: string | undefined
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
    redisUrl: redisUrl === undefined ? undefined : checkRedisUrl('REDIS_URL', redisUrl),
    encryptionKeys: encryptionKeys('SPILLWAY_ENCRYPTION_KEY', environment['SPILLWAY_ENCRYPTION_KEY'] || undefined),
  }
}

function checkRedisUrl(option: string, text: string): string {
  const { protocol, hostname } = URL.canParse(text) ? new URL(text) : { protocol: '', hostname: '' }
  if ((protocol === 'redis:' || protocol === 'rediss:') && hostname !== '') return text
  // It may have a password in it.
  const got = protocol === '' ? `${text.length} characters that are no URL` : `a URL that begins with ${show(protocol)}`
  throw new RangeError(`${option} must be a URL such as redis://127.0.0.1:6379, got ${got}`)
}

/** The same without user and password, to be shown. */
export function shownRedisUrl(redisUrl: string): string {
  const url = new URL(redisUrl)
  url.username = ''
  url.password = ''
  return url.href
}
