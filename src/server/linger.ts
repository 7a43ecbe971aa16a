import type { Duplex } from 'node:stream'
import type { Clock } from '../../operators/index.ts'

/** Long enough for an answer to reach a client that still sends, and too short to be of use to one that never ends. */
const lingerMs = 1_000

/**
 * Ends the writing side of a connection and closes it when the client has done the same, or after 1,000 ms.
 *
 * Who is cut off while it sends is told so by its system, which then throws away the answer that explains why.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-9.6
 */
export function lingerAndClose(socket: Duplex, clock: Clock, lastWords = ''): void {
  const timer = clock.setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => {
    clock.clearTimeout(timer)
  })
  socket.end(lastWords)
  socket.resume()
}
