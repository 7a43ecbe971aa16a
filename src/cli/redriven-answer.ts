import type { Redriven } from '../pipeline/redrive/redrive-options.ts'
import { CompletionParts } from '../workers/completion-parts.ts'
import type { CompletionChunk } from '../workers/model-worker.ts'

/** Characters of an answer's text that are kept. */
const most = 65_536

/** What is kept of the answer that a redrive gave: all of it, or of one that is too long the beginning of its text. */
export function redrivenAnswer({ chunks = [] }: Pick<Redriven, 'chunks'>): object {
  const parts = new CompletionParts()
  for (const chunk of chunks as readonly CompletionChunk[]) parts.add(chunk)
  const { completion } = parts
  if (JSON.stringify(completion).length <= most) return completion
  const { text, finishReason, usage } = completion
  return { text: text.slice(0, most), cut: true, finishReason, ...(usage !== undefined && { usage }) }
}
