import { createProcessVariant } from './process-variant.ts'
import { createTokioVariant } from './tokio-variant.ts'
import type { Variant } from './variant.ts'

/** Those that carry the same requests through the same five stages. */
export function fiveStages(): readonly Variant[] {
  return [
    createProcessVariant('spillway five-stages', 'reply.outcome; everything on', 'spillway'),
    createProcessVariant(
      'spillway promised inference',
      'reply.outcome; everything on, the worker returns a promise',
      'spillway-promised',
    ),
    createProcessVariant('rxjs mergeMap chain', 'promise of the answer; no bound, no books', 'merge-map'),
    createProcessVariant('hand-written rings', 'promise of the answer; no books, no failures', 'rings'),
    createTokioVariant('current', 'bare'),
    createTokioVariant('current', 'metrics'),
    createTokioVariant('multi', 'bare'),
    createTokioVariant('multi', 'metrics'),
  ]
}
