/** What a request calls its `session`, which need not be a text; `undefined` where it has none. */
export function sessionOf(request: unknown): unknown {
  return typeof request === 'object' && request !== null && 'session' in request ? request.session : undefined
}
