/** The route that most of it is sent to. */
export const route: string = '/v1/chat/completions'
/** A good body. */
export const hello: string = JSON.stringify({ messages: [{ role: 'user', content: 'How deep is the reservoir?' }] })

/** What is sent; and the status, the error's code and what its message says, or that it is answered. */
export type Row = readonly [
  name: string,
  said: string | Uint8Array,
  status: number,
  code?: string | undefined,
  message?: string | undefined,
  /** Where it is counted; the chat route unless another is said. */
  route?: string,
]

/** How a request begins that closes its connection. */
export const start: string = `POST ${route} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n`
/** The content type of a good body. */
export const json: string = 'content-type: application/json\r\n'

/** A request with a body. */
export function post(body: string | Uint8Array, headers: string = json): Uint8Array {
  const bytes = Buffer.from(body as string, 'utf8')
  return Buffer.concat([Buffer.from(`${start}${headers}content-length: ${bytes.length}\r\n\r\n`, 'latin1'), bytes])
}

/** A request whose body comes in chunks, as they are written on the wire. */
export function chunked(...chunks: readonly string[]): string {
  return `${start}${json}transfer-encoding: chunked\r\n\r\n${chunks.join('')}`
}

/** A request without a body. */
export const get = (target: string, headers: string = 'host: localhost\r\n'): string =>
  `GET ${target} HTTP/1.1\r\n${headers}connection: close\r\n\r\n`
