import { catchError, type Observable } from 'rxjs'
import type { Handler } from '../handler.ts'
import { WorkerError } from '../workers/worker-error.ts'
import type { RedactionOptions } from './redaction-options.ts'
import { redactor } from './redactor.ts'

/**
 * A handler that asks a model, and takes personal data out of what the model's server says as it refuses: that may
 * quote the prompt with its documents, and callers are told it. Counted as in answers.
 *
 * @param options `undefined`: the handler as it is.
 */
export function redactRefusals<Input, Chunk, Request>(
  handler: Handler<Input, Observable<Chunk>, Request>,
  options: RedactionOptions | undefined,
): Handler<Input, Observable<Chunk>, Request> {
  if (options === undefined) return handler
  const { redact } = redactor(options)
  return (input, context) =>
    handler(input, context).pipe(
      catchError((error: unknown) => {
        if (!(error instanceof WorkerError)) throw error
        const reason = redact(error.reason, (kind) => {
          context.meter.count('redactions', kind)
        })
        if (reason === error.reason) throw error
        // What lies beneath says the same without redaction.
        const { worker, status, serverCode, retryAfterMs, timedOut } = error
        throw new WorkerError(worker, reason, { status, serverCode, retryAfterMs, timedOut })
      }),
    )
}
