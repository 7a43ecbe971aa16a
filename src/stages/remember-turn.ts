import { concat, defer, from, ignoreElements, type Observable, tap } from 'rxjs'
import type { HandlerContext } from '../handler.ts'
import type { RequestSession } from '../pipeline/request-session.ts'
import type { ChatMessage, PromptRequest } from '../prompt-request.ts'
import { CompletionParts } from '../workers/completion-parts.ts'
import type { Completion, CompletionChunk } from '../workers/model-worker.ts'
import { fieldOf } from './request-parameter.ts'
import { conversationAfter } from './session-conversation.ts'

/**
 * The same answer, which is stored in the request's session once its reader has taken all of it, and only then ends:
 * whoever asks next finds it there. Of several choices the first is stored, without what the model said to itself. What
 * ends with an error, is refused or says nothing is not stored, nor is what it answers.
 */
export function rememberTurn(
  answer$: Observable<CompletionChunk>,
  context: Pick<HandlerContext, 'request' | 'meter' | 'taken'>,
  session: RequestSession,
): Observable<CompletionChunk> {
  const { request, meter } = context
  if (!isPrompt(request)) return answer$
  return defer(() => {
    const answer = new CompletionParts()
    const store = async (): Promise<void> => {
      const message = messageOf(answer.completion)
      if (message === undefined) return
      let dropped = 0
      await session.update((state) => {
        const { conversation, newlyDropped } = conversationAfter(state, request, message, session.maxBytes)
        dropped = newlyDropped
        return conversation
      })
      if (dropped > 0) meter.count('conversationDrops', 'size', dropped)
    }
    return concat(
      answer$.pipe(
        tap(({ choice = 0, text, refusal, toolCalls }) => {
          if (choice !== 0) return
          answer.add({ text, ...(refusal !== undefined && { refusal }), ...(toolCalls !== undefined && { toolCalls }) })
        }),
      ),
      // Its reader may still go away, with half of what was given.
      defer(() => from(context.taken() ?? [])).pipe(ignoreElements()),
      defer(() => from(store())).pipe(ignoreElements()),
    )
  })
}

/** Bare texts are no conversation. */
function isPrompt(request: unknown): request is PromptRequest {
  return fieldOf(request, 'input') !== undefined || fieldOf(request, 'messages') !== undefined
}

/** `undefined` where there is nothing to store. */
function messageOf({ text, refusal, toolCalls }: Completion): ChatMessage | undefined {
  if (refusal !== undefined || (text === '' && toolCalls === undefined)) return undefined
  return { role: 'assistant', content: text, ...(toolCalls !== undefined && { toolCalls }) }
}
