import { CancelledError } from '../pipeline/errors.ts'

/** Why a request was cancelled where its own client is the cause: it said so, it left, or it passed a limit. */
export class ClientEnding extends CancelledError {}

/** The client asked for it. */
export const clientCancelled: ClientEnding = new ClientEnding('the client cancelled it')

/** Its connection is gone. */
export const clientLeft: ClientEnding = new ClientEnding('the client has left')

/** Status of such a request in outcomes, logs and metrics; a response never has it. */
export const endedByClient = 499
