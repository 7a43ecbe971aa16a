import { StageCrash } from '../../actors/index.ts'
import { SpillwayError } from '../../operators/index.ts'

/** The code by which an error is counted and kept. */
export function errorCode(error: unknown): string {
  return error instanceof SpillwayError ? error.code : 'stage_failed'
}

/** What the log says of an error. Only our own messages are written: a handler's may quote the prompt. */
export function describeError(error: unknown): object {
  if (error instanceof StageCrash && error.code === 'stage_crash') return { code: error.code }
  if (error instanceof SpillwayError) return { code: error.code, error: error.message }
  return { error: error instanceof Error ? error.name : typeof error }
}
