import { expect } from 'vitest'
import {
  checkInvariants,
  type CheckOptions,
  InvariantError,
  type OperatorSubject,
  type PipelineCheckOptions,
  type PipelineSubject,
} from '../../../src/testing/index.ts'

/** How `checkInvariants` fails, which it must. */
export async function failureOf(subject: OperatorSubject, options?: CheckOptions): Promise<InvariantError>
export async function failureOf<R>(
  subject: PipelineSubject<R>,
  options: PipelineCheckOptions<R>,
): Promise<InvariantError>
export async function failureOf(subject: unknown, options?: CheckOptions): Promise<InvariantError> {
  const failure: unknown = await checkInvariants(subject as OperatorSubject, options).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(InvariantError)
  return failure as InvariantError
}
