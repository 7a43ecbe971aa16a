import { createHash, timingSafeEqual } from 'node:crypto'
import { checkApiKey } from './check-api-key.ts'
import type { Refusal } from './refusal.ts'

/**
 * Makes the check of a request's `authorization` header against the server's key. The comparison takes the same
 * time wherever the keys differ: it compares their digests.
 *
 * @param apiKey The key; `undefined` lets everybody in.
 */
export function createAuthorization(apiKey: string | undefined): (header: string | undefined) => Refusal | undefined {
  if (apiKey === undefined) return () => undefined
  const expected = digest(checkApiKey('apiKey', apiKey))
  return (header) => {
    const given = header === undefined ? undefined : /^Bearer +(\S+) *$/i.exec(header)?.[1]
    if (given === undefined) return unauthorized('the header authorization must be "Bearer" and the server\'s API key')
    return timingSafeEqual(digest(given), expected) ? undefined : unauthorized("the API key is not the server's")
  }
}

function digest(text: string): Uint8Array {
  return createHash('sha256').update(text).digest()
}

function unauthorized(message: string): Refusal {
  return { status: 401, message, type: 'authentication_error', param: null, code: 'invalid_api_key' }
}
