import type { OperatorFunction } from 'rxjs'
import { boundedBuffer, type BoundedBufferOptions } from './bounded-buffer.ts'
import type { DropOverShare } from './channel-options.ts'
import type { Project } from './project.ts'

/** Who shares the buffer, in which parts, and all else that `boundedBuffer` takes. */
export interface FairShareOptions<T>
  extends Omit<BoundedBufferOptions<T>, 'overflow' | 'priority'>, Omit<DropOverShare<T>, 'drop'> {}

/**
 * `boundedBuffer` that tenants share: they start by turns, in proportion to their shares, and when there is no room the
 * newest item of the one that takes up the most for its share gives way. A tenant within its share is never shed because
 * of another's flood, and has all that others leave.
 *
 * @example
 * ```ts
 * const tenant = ({ apiKey }: Request) => apiKey
 * requests$.pipe(fairShare((request) => answer(request), { tenant, capacity: 512, concurrency: 16 }))
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 * @see M. Shreedhar, G. Varghese: Efficient Fair Queueing Using Deficit Round Robin, SIGCOMM 1995
 */
export function fairShare<T, R>(project: Project<T, R>, options: FairShareOptions<T>): OperatorFunction<T, R> {
  const { tenant, share, ...same } = options
  const overflow = { drop: 'over-share', tenant, ...(share !== undefined && { share }) } as const
  return boundedBuffer(project, { ...same, overflow })
}
