import { urlOf } from '../server/url-of.ts'

/** What the user is told when the server is up. */
export interface StartFacts {
  readonly host: string
  readonly port: number
  readonly worker: string
  readonly documents: string
  readonly stores: string
  readonly withApiKey: boolean
}

/** Where the server listens, what it works with, and a command to try. */
export function startLines({ host, port, worker, documents, stores, withApiKey }: StartFacts): string {
  return `Spillway is listening on ${urlOf(host, port)}

  model      ${worker}
  documents  ${documents}
  stores     ${stores}
  API key    ${withApiKey ? 'SPILLWAY_API_KEY, on every route but health' : 'none is asked for'}

Try it:

  curl ${urlOf(reachable(host), port)}/v1/chat/completions \\
    -H 'content-type: application/json' \\${withApiKey ? keyHeader : ''}
    -d '{"messages": [{"role": "user", "content": "What happens to a request when a channel is full?"}]}'
`
}

/** The shell puts in the key, so that it is neither printed nor in the shell's history. */
const keyHeader = `
    -H "authorization: Bearer $SPILLWAY_API_KEY" \\`

/** An address that stands for all addresses cannot be called everywhere. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}
