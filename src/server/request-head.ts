import type { IncomingMessage } from 'node:http'
import { show } from '../../operators/index.ts'
import type { ServerLimits } from './limits.ts'
import { badInput, type Refusal } from './refusal.ts'

/** Headers of which a second one would be read differently by whoever stands between the client and the server. */
const single: ReadonlySet<string> = new Set([
  'authorization',
  'content-encoding',
  'content-type',
  'expect',
  'host',
  'origin',
  'x-request-id',
  'x-session-id',
])

/**
 * What is wrong with the head of a request that Node's parser has let through; `undefined` where nothing is.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2 for the host
 */
export function headFault(request: IncomingMessage, limits: Required<ServerLimits>): Refusal | undefined {
  const { headers, rawHeaders, httpVersion } = request
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    const message = `the version of HTTP must be 1.1 or 1.0, got ${httpVersion}`
    return badInput(null, message, 'unsupported_http_version', 505)
  }
  const count = rawHeaders.length / 2
  if (count > limits.headers) {
    const message = `the request has ${count} headers, more than the limit headers of ${limits.headers}`
    return badInput(null, message, 'too_many_headers', 431)
  }
  const seen = new Set<string>()
  for (const [index, text] of rawHeaders.entries()) {
    // Names and values take turns.
    if (index % 2 === 1) continue
    const name = text.toLowerCase()
    if (!single.has(name)) continue
    if (seen.has(name)) return badInput(name, `the header ${name} must be there once, got several`, 'duplicate_header')
    seen.add(name)
  }
  if (httpVersion === '1.1' && headers.host === undefined) {
    return badInput('host', 'the header host is required', 'missing_host')
  }
  const coding = headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    const message = `the header transfer-encoding must be chunked or absent, got ${show(coding)}`
    return badInput('transfer-encoding', message, 'unsupported_transfer_encoding', 501)
  }
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(headers['content-type'] ?? '')?.[1]
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    const message = `the charset of the header content-type must be utf-8 or absent, got ${show(charset)}`
    return badInput('content-type', message, 'unsupported_media_type', 415)
  }
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
    const message = `the header expect must be 100-continue or absent, got ${show(headers.expect)}`
    return badInput('expect', message, 'expectation_failed', 417)
  }
  return undefined
}

/**
 * A request's target as a path: clients of a proxy send the whole address.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
 */
export function originForm(target: string): string {
  if (target.startsWith('/')) return target
  const rest = target.replace(/^https?:\/\/[^/?#]*/i, '')
  return rest === target || rest.startsWith('/') ? rest : `/${rest}`
}
