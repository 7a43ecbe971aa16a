import { isIPv6 } from 'node:net'

/** The address to call a server at. */
export function urlOf(host: string, port: number): string {
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`
}
