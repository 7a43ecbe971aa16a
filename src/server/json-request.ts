import type { FastifyReply, FastifyRequest } from 'fastify'
import { show } from '../../operators/index.ts'
import { type Checked, refused } from './checked.ts'
import { parseJsonBody } from './json-body.ts'
import { badInput } from './refusal.ts'

/** The JSON that a request brought, or why it is refused. */
export function jsonOf(request: FastifyRequest, reply: FastifyReply, maxDepth: number): Checked<unknown> {
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    void reply.header('accept-encoding', 'identity')
    const message = `the header content-encoding must be identity or absent, got ${show(encoding)}`
    return refused(badInput('content-encoding', message, 'unsupported_content_encoding', 415))
  }
  return parseJsonBody(request.body instanceof Uint8Array ? request.body : new Uint8Array(), maxDepth)
}
