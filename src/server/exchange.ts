import type { Reply } from '../pipeline/reply.ts'

/** What is remembered of one request and its response until it is logged and counted. */
export interface Exchange {
  /** The request's id, which the response carries as `x-request-id`. */
  id: string
  /** When it arrived, by the clock's `now()`. */
  readonly startedAt: number
  /** The path's pattern, one of a few. */
  route: string
  session?: string
  /** What it was answered with, where the response itself does not say so. */
  status?: number
  /** The answer, once a pipeline was asked for one. */
  answer?: Pick<Reply<unknown>, 'cancel' | 'settled'>
  /** Of the refusal. */
  code?: string
  /** Of the refusal: which field was wrong. */
  param?: string
}

/** Visible ASCII, so that it can stand in a header and in a log, and not long. */
export const presentable: RegExp = /^[\x21-\x7e]{1,128}$/

/** The id that the client gave, if it can be echoed, and otherwise a new one. */
export function requestId(given: string | readonly string[] | undefined, newId: () => string): string {
  return typeof given === 'string' && presentable.test(given) ? given : newId()
}
