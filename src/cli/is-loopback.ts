import { isIPv4 } from 'node:net'

/** Whether a host is this machine, so that nobody elsewhere reaches it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}
