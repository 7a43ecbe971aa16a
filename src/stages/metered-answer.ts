import { defer, type Observable, tap } from 'rxjs'
import type { HandlerContext } from '../handler.ts'
import type { CompletionChunk } from '../workers/model-worker.ts'

/** The same answer; the tokens that the model reports and the time to its first are counted, from the subscription. */
export function meteredAnswer(
  chunks$: Observable<CompletionChunk>,
  model: string,
  { clock, meter }: HandlerContext,
): Observable<CompletionChunk> {
  return defer(() => {
    const calledAt = clock.now()
    let begun = false
    return chunks$.pipe(
      tap((chunk) => {
        const { usage } = chunk
        if (!begun && saysSomething(chunk)) {
          begun = true
          meter.firstToken(model, clock.now() - calledAt)
        }
        if (usage !== undefined) meter.used(model, usage.promptTokens, usage.completionTokens)
      }),
    )
  })
}

/** A thought, a refusal or a call is as good a sign of life as a text. */
function saysSomething({ text, reasoning, refusal, toolCalls }: CompletionChunk): boolean {
  return text !== '' || reasoning !== undefined || refusal !== undefined || toolCalls !== undefined
}
