import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { WebSocket as WsClient } from 'ws'

/** What the server says. */
export type Frame = Record<string, unknown> & { readonly type: string; readonly id?: string }

/** A client that keeps what it hears, and is gone when its test is over. */
export class Client {
  readonly frames: Frame[] = []
  readonly closed: Promise<{ code: number; reason: string }>
  readonly socket: WsClient

  constructor(url: string, options: { headers?: Record<string, string>; protocols?: string[] } = {}) {
    this.socket = new WsClient(url, options.protocols ?? [], { headers: options.headers })
    this.socket.on('error', () => undefined)
    onTestFinished(() => {
      this.socket.terminate()
    })
    this.socket.on('message', (data) => this.frames.push(JSON.parse((data as Buffer).toString()) as Frame))
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
    })
  }

  static async open(url: string, options = {}): Promise<Client> {
    const client = new Client(url, options)
    await once(client.socket, 'open')
    return client
  }

  say(frame: unknown): void {
    this.socket.send(typeof frame === 'string' || frame instanceof Buffer ? frame : JSON.stringify(frame))
  }

  submit(id: string, request: unknown = { input: 'x' }): void {
    this.say({ type: 'submit', id, request })
  }

  /** The first frame of this type for an id, also one that is still to come. */
  async frame(type: string, id?: string): Promise<Frame> {
    const found = (): Frame | undefined => this.frames.find((frame) => frame.type === type && frame.id === id)
    await until(() => found() !== undefined)
    return found()!
  }
}

/** Resolves when something is so. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
