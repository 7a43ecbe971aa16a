import { urlOf } from '../server/url-of.ts'

/** What the user is told when the server is up. */
export interface StartFacts {
  readonly host: string
  readonly port: number
  /** Whether it is called by TLS. */
  readonly secure: boolean
  readonly worker: string
  readonly documents: string
  readonly template: string
  /** Each in a line. */
  readonly stores: readonly string[]
  readonly filters: string
  readonly redaction: string
  /** How many there are of which one must be shown. */
  readonly apiKeys: number
}

/** Where the server listens, what it works with, and a command to try. */
export function startLines(facts: StartFacts): string {
  const { host, port, secure, worker, documents, template, stores, filters, redaction, apiKeys } = facts
  const several = apiKeys > 1 ? ` (${apiKeys} keys)` : ''
  return `Spillway is listening on ${urlOf(host, port, secure)}

  model      ${worker}
  documents  ${documents}
  template   ${template}
  stores     ${stores.join(`\n${' '.repeat(13)}`)}
  filters    ${filters}
  redaction  ${redaction}
  API key    ${apiKeys === 0 ? 'none is asked for' : `SPILLWAY_API_KEY${several}, on every route but health`}

Try it:

  curl ${urlOf(reachable(host), port, secure)}/v1/chat/completions \\
    -H 'content-type: application/json' \\${apiKeys === 0 ? '' : keyHeader(apiKeys)}
    -d '{"messages": [{"role": "user", "content": "What happens to a request when a channel is full?"}]}'
`
}

/** The shell puts in the key, so that it is neither printed nor in the shell's history. */
function keyHeader(apiKeys: number): string {
  return `
    -H "authorization: Bearer $${apiKeys > 1 ? '{SPILLWAY_API_KEY%%,*}' : 'SPILLWAY_API_KEY'}" \\`
}

/** An address that stands for all addresses cannot be called everywhere. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}
