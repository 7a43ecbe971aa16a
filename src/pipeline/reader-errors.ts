import { OverflowError } from '../../operators/index.ts'
import { AlreadyConsumedError } from './errors.ts'

/** What a second reader of a reply gets. */
export function alreadyConsumed(id: string): AlreadyConsumedError {
  return new AlreadyConsumedError(`the reply to request ${JSON.stringify(id)} has a reader already; it has only one`)
}

/** What a stream fails with that does not wait for its reader. */
export function overrun(streamBuffer: number): OverflowError {
  return new OverflowError(
    `the stream gave more than its reader had room for (streamBuffer ${streamBuffer}): its source must await context.ready() after each chunk, as pulled() does`,
  )
}
