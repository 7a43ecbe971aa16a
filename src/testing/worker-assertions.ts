import { equal, ok, rejects } from 'node:assert/strict'
import { InvalidPromptError } from '../workers/invalid-prompt-error.ts'
import type { CompletionChunk } from '../workers/model-worker.ts'

/** All chunks of an answer. */
export async function readAll(chunks: AsyncIterable<CompletionChunk>): Promise<CompletionChunk[]> {
  const read: CompletionChunk[] = []
  for await (const chunk of chunks) read.push(chunk)
  return read
}

/** That a call is refused for a field of its prompt, which the error names. */
export async function rejectsNaming(field: string, call: () => Promise<unknown>): Promise<void> {
  await rejects(call, (error) => {
    ok(error instanceof InvalidPromptError, `expected an InvalidPromptError for ${field}, got ${String(error)}`)
    equal(error.code, 'invalid_prompt')
    equal(error.field, field)
    ok(error.message.includes(field), `the message names ${field}: ${error.message}`)
    return true
  })
}
