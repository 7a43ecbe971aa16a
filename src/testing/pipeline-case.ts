import type { Reply } from '../pipeline/reply.ts'
import type { PlannedRequest } from './pipeline-scenario.ts'

/** One request, and what its caller saw. */
export interface Case {
  readonly id: number
  readonly plan: PlannedRequest
  readonly reply: Reply<unknown>
  /** It holds reservations in all channels that need them. */
  readonly letIn: boolean
  /** How the reader's reading ended, in its own view. */
  readonly ends: unknown[]
}
