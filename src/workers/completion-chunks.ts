import type { Completion, CompletionChoice, CompletionChunk } from './model-worker.ts'

/** A whole answer as the chunks of a stream: one for each choice, the usage in the last. */
export function* chunksOf(completion: Completion): Generator<CompletionChunk> {
  const { alternatives = [], usage, ...first } = completion
  yield { ...chunkOf(first), ...(usage !== undefined && alternatives.length === 0 && { usage }) }
  for (const [index, choice] of alternatives.entries()) {
    const isLast = index === alternatives.length - 1
    yield { ...chunkOf(choice), choice: index + 1, ...(usage !== undefined && isLast && { usage }) }
  }
}

function chunkOf({ toolCalls, ...rest }: CompletionChoice): CompletionChunk {
  return {
    ...rest,
    ...(toolCalls !== undefined && { toolCalls: toolCalls.map((call, index) => ({ index, ...call })) }),
  }
}
