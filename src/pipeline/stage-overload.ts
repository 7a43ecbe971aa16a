import {
  checkKeys,
  type CodelPolicy,
  type DagorPolicy,
  Overload,
  type OverloadPolicy,
  type RandomSource,
} from '../../operators/index.ts'

/**
 * Sheds requests before the channel is full, by how long they wait: an `OverloadPolicy`, whose functions are asked of
 * the request as it was submitted, and whose deadlines are the requests' own `deadlineMs`.
 *
 * What is refused is refused as early as a full channel would: at the door, or where the channel decides for itself as
 * it arrives. What is shed as it would start has been let in before.
 */
export type StageOverload<Request = unknown> =
  | CodelPolicy
  | DagorPolicy<Request>
  | {
      readonly kind: 'deadline'
    }

/** What a policy looks at of a request on its way. */
interface Passing {
  readonly request: unknown
  readonly submittedAt: number
  readonly deadlineMs: number
}

/** A stage's policy at work. */
export type StagePolicy = Overload<Passing>

/** @throws RangeError or TypeError that names the option, its value and what is allowed. */
export function createStageOverload(option: string, policy: StageOverload, random: RandomSource): StagePolicy {
  return new Overload(option, ofPassing(option, policy), random)
}

/** The policy without its functions, for a topology that is plain data. */
export function plainPolicy(policy: StageOverload): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(policy).filter(([, value]) => typeof value !== 'function'))
}

function ofPassing(option: string, policy: StageOverload | undefined): OverloadPolicy<Passing> {
  switch (policy?.kind) {
    case 'dagor': {
      const { priority, user, ...rest } = policy
      return {
        ...rest,
        ...(priority !== undefined && { priority: ofRequest(priority) }),
        ...(user !== undefined && { user: ofRequest(user) }),
      }
    }
    case 'deadline':
      checkKeys(option, policy, ['kind'])
      return { ...policy, deadlineAt: ({ submittedAt, deadlineMs }) => submittedAt + deadlineMs }
    default:
      // What is no policy is left to be refused.
      return policy as OverloadPolicy<Passing>
  }
}

/** The user's function, asked of a request on its way; what is no function is left to be refused. */
function ofRequest<R>(fn: (request: unknown) => R): (passing: Passing) => R {
  return typeof fn === 'function' ? ({ request }) => fn(request) : fn
}
