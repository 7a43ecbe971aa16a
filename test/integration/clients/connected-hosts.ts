import { Socket } from 'node:net'
import { vi } from 'vitest'

/** The hosts that this process connects to from now on, whichever library does so. */
export function connectedHosts(): ReadonlySet<string> {
  const hosts = new Set<string>()
  const connect = Reflect.get(Socket.prototype, 'connect') as (...args: unknown[]) => Socket
  vi.spyOn(Socket.prototype, 'connect').mockImplementation(function (this: Socket, ...args: unknown[]) {
    hosts.add(hostOf(args))
    return connect.apply(this, args)
  })
  return hosts
}

/** A port and perhaps a host, options, or, as Node's own `net.connect` hands on either, an array that begins so. */
function hostOf(args: readonly unknown[]): string {
  const [first, second]: readonly unknown[] = Array.isArray(args[0]) ? args[0] : args
  if (typeof first !== 'object' || first === null) return typeof second === 'string' ? second : 'localhost'
  const { host = 'localhost', path = host } = first as { readonly host?: string; readonly path?: string }
  return path
}
