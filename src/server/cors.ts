import type { IncomingMessage } from 'node:http'
import { show } from '../../operators/index.ts'

/** What browsers are told, so that pages of other origins may call the server. */
export interface Cors {
  /** Whether the request comes from a page that may call. */
  allows(request: Pick<IncomingMessage, 'headers'>): boolean
  /** The headers that belong to every answer for this request. */
  headers(request: IncomingMessage): Readonly<Record<string, string>>
  /** The further headers of the answer to a question whether a request may be sent; `undefined` where it is none, or may not. */
  preflight(request: IncomingMessage): Readonly<Record<string, string>> | undefined
}

/**
 * Makes the rules for pages of other origins. Cookies are never part of it: who calls shows a key, or nothing.
 *
 * @param origins Exact origins such as `'https://chat.example.org'`, or `'*'` for all; `undefined` or none: no page
 * of another origin may read an answer.
 * @throws TypeError or RangeError naming the origin that is none.
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function createCors(origins: readonly string[] = []): Cors {
  checkOrigins('corsOrigins', origins)
  const all = origins.includes('*')
  const known = new Set(origins)
  const allows = ({ headers: { origin } }: Pick<IncomingMessage, 'headers'>): boolean =>
    origin !== undefined && (all || known.has(origin))
  return {
    allows,
    headers(request) {
      if (known.size === 0) return {}
      const vary = all ? undefined : { vary: 'origin' }
      if (!allows(request)) return { ...vary }
      const origin = all ? '*' : (request.headers.origin ?? '')
      return { 'access-control-allow-origin': origin, 'access-control-expose-headers': exposed, ...vary }
    },
    preflight(request) {
      const { 'access-control-request-method': method, 'access-control-request-headers': headers } = request.headers
      if (request.method !== 'OPTIONS' || method === undefined || !allows(request)) return undefined
      return {
        'access-control-allow-methods': 'GET, HEAD, POST, DELETE',
        // Clients send headers of their own making beside those that are looked at here; none of them does harm.
        ...(headers !== undefined && { 'access-control-allow-headers': headers }),
        'access-control-max-age': '7200',
      }
    },
  }
}

/**
 * Checks the origins whose pages may call.
 *
 * @param option What it is called in an error.
 */
export function checkOrigins(option: string, origins: unknown): void {
  if (!Array.isArray(origins)) throw new TypeError(`${option} must be an array of origins, got ${show(origins)}`)
  for (const origin of origins as readonly unknown[]) {
    if (origin === '*') continue
    if (
      typeof origin === 'string' &&
      !origin.includes('*') &&
      URL.canParse(origin) &&
      new URL(origin).origin === origin
    )
      continue
    const slash =
      typeof origin === 'string' && /^https?:\/\/[^/]+\/$/i.test(origin) ? ': leave the slash at its end out' : ''
    throw new RangeError(
      `${option} must be origins such as https://chat.example.org, or *, got ${show(origin)}${slash}`,
    )
  }
}

const exposed = 'x-request-id, retry-after, retry-after-ms'
