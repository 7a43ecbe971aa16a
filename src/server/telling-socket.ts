import type { Buffer } from 'node:buffer'
import { WebSocket } from 'ws'

/** A WebSocket that tells when the library is about to close it because its client broke the protocol or sent too much. */
export class TellingSocket extends WebSocket {
  /** Called with the code before the close frame goes out, so that something may still be sent, and a reason given. */
  onFault: (code: number) => void = () => undefined

  override close(code?: number, reason?: string | Buffer): void {
    // The library gives a code without a reason only then.
    if (code !== undefined && reason === undefined) this.onFault(code)
    super.close(code, reason)
  }
}
