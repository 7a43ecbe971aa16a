import type { FastifyInstance } from 'fastify'
import { openApiDocument, type RegisteredRoute } from './openapi/document.ts'

/**
 * Adds `GET /openapi.json`, which describes every route that is there when the server starts, and `GET /`, which
 * says where to go.
 *
 * @param routes Those that have been registered; more may still come.
 * @param keyed Whether a key is asked for.
 */
export function addOpenApiRoute(app: FastifyInstance, routes: readonly RegisteredRoute[], keyed: boolean): void {
  let document: object | undefined
  app.get('/openapi.json', () => (document ??= openApiDocument(routes, keyed)))
  app.get('/', () => ({
    service: 'spillway',
    openapi: '/openapi.json',
    chat: '/v1/chat/completions',
    models: '/v1/models',
    health: '/healthz',
  }))
}
