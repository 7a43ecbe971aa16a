import { createHash, timingSafeEqual } from 'node:crypto'
import { checkApiKey } from './check-api-key.ts'
import type { Refusal } from './refusal.ts'

/**
 * Makes the check of a request's `authorization` header against the server's keys. The comparison takes the same
 * time whichever key it is and wherever the keys differ: it compares the digests of all of them.
 *
 * @param apiKey The key, or several while they are being changed; `undefined` lets everybody in.
 * @throws TypeError or RangeError naming the option, never quoting the key.
 */
export function createAuthorization(
  apiKey: string | readonly string[] | undefined,
): (header: string | undefined) => Refusal | undefined {
  if (apiKey === undefined) return () => undefined
  const keys = typeof apiKey === 'string' ? [apiKey] : apiKey
  if (!Array.isArray(keys)) throw new TypeError('apiKey must be a string or an array of strings, got something else')
  if (keys.length === 0) throw new RangeError('apiKey must hold at least one key, got an empty array')
  const expected = keys.map((key) => digest(checkApiKey('apiKey', key)))
  return (header) => {
    const given = shownKey(header)
    if (given === undefined) return unauthorized('the header authorization must be "Bearer" and the server\'s API key')
    const shown = digest(given)
    let known = false
    for (const key of expected) known = timingSafeEqual(shown, key) || known
    return known ? undefined : unauthorized("the API key is not the server's")
  }
}

/** What tells the holders of different keys apart without holding a key: the digest of the key that a header shows. */
export function keyDigest(header: string | undefined): string {
  return createHash('sha256')
    .update(shownKey(header) ?? '')
    .digest('hex')
}

function shownKey(header: string | undefined): string | undefined {
  return header === undefined ? undefined : /^Bearer +(\S+) *$/i.exec(header)?.[1]
}

function digest(text: string): Uint8Array {
  return createHash('sha256').update(text).digest()
}

function unauthorized(message: string): Refusal {
  return { status: 401, message, type: 'authentication_error', param: null, code: 'invalid_api_key' }
}
