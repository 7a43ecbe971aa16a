import { isIPv6 } from 'node:net'

/** The address to call a server at; by TLS where it is `secure`. */
export function urlOf(host: string, port: number, secure: boolean): string {
  return `${secure ? 'https' : 'http'}://${isIPv6(host) ? `[${host}]` : host}:${port}`
}
