import { isIP } from 'node:net'
import { show } from '../../operators/index.ts'
import type { Refusal } from './refusal.ts'

/** The names by which a server without an API key may be called. */
export interface AllowedHosts {
  /** Adds what the server was told to listen on. */
  add(host: string): void
  /** Why a request with this header `host` is refused; `undefined` where it is not. */
  fault(header: string | undefined): Refusal | undefined
}

/**
 * Makes the check of the name by which a server without an API key is called. It keeps out DNS rebinding: a page whose
 * name is made to point to this machine may read what the server answers, but its browser says that name.
 *
 * Addresses are always allowed, whichever they are: a browser says one only where its user was given one, and nobody
 * can make it point elsewhere. So is `localhost` with the names beneath it, which browsers resolve themselves, and a
 * request without the header, which no browser sends.
 *
 * @param names Further names, without a port; `'*'` for all.
 * @throws TypeError or RangeError naming the one that is none.
 * @see https://vite.dev/config/server-options#server-allowedhosts
 */
export function createAllowedHosts(names: readonly string[] = []): AllowedHosts {
  checkHostNames('allowedHosts', names)
  const known = new Set(names.map((name) => name.toLowerCase()))
  return {
    add: (host) => known.add(host.toLowerCase()),
    fault(header) {
      if (header === undefined || known.has('*')) return undefined
      const name = nameIn(header)
      if (isLocal(name) || known.has(name)) return undefined
      const message =
        `the host ${show(header)} is not one of this server's: without an API key it answers to IP addresses, localhost ` +
        'and the names in allowedHosts (--allowed-host)'
      return { status: 403, message, type: 'permission_error', param: 'host', code: 'host_not_allowed' }
    },
  }
}

/**
 * Checks the names by which a server may be called.
 *
 * @param option What it is called in an error.
 */
export function checkHostNames(option: string, names: unknown): void {
  if (!Array.isArray(names)) throw new TypeError(`${option} must be an array of host names, got ${show(names)}`)
  for (const name of names as readonly unknown[]) {
    if (name === '*' || (typeof name === 'string' && hostName.test(name))) continue
    throw new RangeError(
      `${option} must be host names without scheme and port, such as chat.example.org, or *, got ${show(name)}`,
    )
  }
}

/** Labels of letters, digits, `-` and `_`, which names of containers have. */
const hostName = /^(?=.{1,253}$)[a-z\d_](?:[\w-]*\w)?(?:\.[a-z\d_](?:[\w-]*\w)?)*$/i

/** Without port, brackets and the dot that may end a name; empty where the header is none. */
function nameIn(header: string): string {
  const [, address, name] = /^(?:\[([\da-f:.]+)\]|([^:[\]]+?)\.?)(?::\d*)?$/i.exec(header) ?? []
  return (address ?? name ?? '').toLowerCase()
}

function isLocal(name: string): boolean {
  return isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost')
}
