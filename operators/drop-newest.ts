import type { OperatorFunction } from 'rxjs'
import { boundedBuffer, type BoundedBufferOptions } from './bounded-buffer.ts'
import type { Project } from './project.ts'

/**
 * `boundedBuffer` with its default strategy by its name: an item that finds neither a slot nor room is
 * shed, and those that wait keep their places.
 *
 * @example
 * ```ts
 * requests$.pipe(dropNewest((request) => answer(request), { capacity: 512, concurrency: 16 }))
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 */
export function dropNewest<T, R>(
  project: Project<T, R>,
  options: Omit<BoundedBufferOptions<T>, 'overflow'>,
): OperatorFunction<T, R> {
  return boundedBuffer(project, { ...options, overflow: 'drop-newest' })
}
