import type { Clock } from '../../operators/index.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { CompletionChunk } from '../workers/model-worker.ts'
import type { AnswerFrames } from './chunk-frames.ts'
import { joined } from './joined.ts'
import { type PacedResponse, PacedWriter } from './paced-writer.ts'

/** How an answer is streamed. */
export interface StreamedAnswerOptions {
  readonly frames: AnswerFrames
  readonly clock: Clock
  /** Milliseconds of silence after which a comment is sent, once the first chunk is out. */
  readonly heartbeatMs: number
  /** Writes the status line and the headers; called with the first chunk, so that until then an error can have a status. */
  readonly begin: () => void
}

/**
 * Sends an answer as server-sent events, as fast as the client takes it: chunks that are there together go out in
 * one write, up to its size. Resolves when all is handed over, without ending the response; rejects as the reply's `batches()` or the
 * frames do, before or after `begin` was called. It leaves the request to its caller: the frames' error ends nothing.
 */
export async function streamedAnswer(
  reply: Pick<Reply<CompletionChunk>, 'batches' | 'outcome'>,
  response: PacedResponse,
  { frames, clock, heartbeatMs, begin }: StreamedAnswerOptions,
): Promise<void> {
  const writer = new PacedWriter(response, { clock, heartbeatMs, begin })
  // A request that ends for another reason, say because nobody reads it, must be heard of at once.
  void reply.outcome.then(() => {
    writer.release()
  })
  const batches = reply.batches()
  try {
    for (let batch = await batches.next(); batch.done !== true; batch = await batches.next()) {
      for (const text of joined(framed(batch.value, frames))) await writer.write(text)
    }
    void writer.write(frames.end())
  } finally {
    writer.stop()
  }
}

function* framed(chunks: readonly CompletionChunk[], frames: AnswerFrames): Generator<string, void, undefined> {
  for (const chunk of chunks) yield frames.chunk(chunk)
}
