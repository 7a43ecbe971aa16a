/** What a request calls its `session`, which need not be a text; `undefined` where it has none. */
export function sessionOf(request: unknown): unknown {
  return typeof request === 'object' && request !== null && 'session' in request ? request.session : undefined
}

/** The name of a request's session; `undefined` where it has none, or one that can be no name. */
export function nameOfSession(request: unknown): string | undefined {
  const name = sessionOf(request)
  return typeof name === 'string' && name !== '' ? name : undefined
}
