import {
  checkKeys,
  type CodelPolicy,
  type DagorPolicy,
  Overload,
  type OverloadPolicy,
  type RandomSource,
  type OverloadReason,
} from '../../operators/index.ts'
import { StageError } from './errors.ts'
import type { Carried, Stage } from './stage-context.ts'

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

/** @throws RangeError or TypeError that names the option, its value and what is allowed. */
export function createStageOverload(option: string, policy: StageOverload, random: RandomSource): Overload<Carried> {
  return new Overload(option, ofEnvelopes(option, policy), random)
}

/** The policy without its functions, for a topology that is plain data. */
export function plainPolicy(policy: StageOverload): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(policy).filter(([, value]) => typeof value !== 'function'))
}

/**
 * Why a stage's policy turns a request away that comes; a `StageError` where a function of the policy cannot tell what
 * it is asked.
 */
export function refusalBy(node: Stage, envelope: Carried, now: number): OverloadReason | StageError | undefined {
  const { overload, channel, ahead, name } = node
  const queue = { ahead: ahead + channel.size, running: channel.running, concurrency: channel.concurrency }
  try {
    return overload?.refuses(envelope, queue, now) === true ? overload.reason : undefined
  } catch (error) {
    // What it threw may quote the request, and this is logged.
    return new StageError(name, 'could not tell what overload asks of the request: the function threw', {
      cause: error,
    })
  }
}

function ofEnvelopes(option: string, policy: StageOverload | undefined): OverloadPolicy<Carried> {
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
      return policy as OverloadPolicy<Carried>
  }
}

/** The user's function, asked of an envelope; what is no function is left to be refused. */
function ofRequest<R>(fn: (request: unknown) => R): (envelope: Carried) => R {
  return typeof fn === 'function' ? ({ request }) => fn(request) : fn
}
