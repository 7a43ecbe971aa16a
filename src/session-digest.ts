import { createHash } from 'node:crypto'

/** Names a session in the log without giving it away; `undefined` when the request has none. */
export function sessionDigest(session: unknown): string | undefined {
  if (typeof session !== 'string' || session === '') return undefined
  return createHash('sha256').update(session).digest('hex').slice(0, 12)
}
