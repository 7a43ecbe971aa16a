import type { Clock } from '../../operators/index.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { CompletionChunk } from '../workers/model-worker.ts'
import type { AnswerFrames } from './chunk-frames.ts'
import { type PacedResponse, PacedWriter } from './paced-writer.ts'

/** How an answer is streamed. */
export interface StreamedAnswerOptions {
  readonly frames: AnswerFrames
  readonly clock: Clock
  /** Milliseconds of silence after which a comment is sent, once the first chunk is out. */
  readonly heartbeatMs: number
  /** Writes the status line and the headers; called with the first chunk, so that until then an error can have a status. */
  readonly begin: () => void
  /** Called when the frames throw, before it rejects with their error: the reply alone would say that its reader stopped. */
  readonly onFault: () => void
}

/**
 * Sends an answer as server-sent events, as fast as the client takes it: chunks that are there together go out in
 * one write. Resolves when all is handed over, without ending the response; rejects as the reply's `batches()` do,
 * before or after `begin` was called.
 */
export async function streamedAnswer(
  reply: Pick<Reply<CompletionChunk>, 'batches' | 'outcome'>,
  response: PacedResponse,
  { frames, clock, heartbeatMs, begin, onFault }: StreamedAnswerOptions,
): Promise<void> {
  const writer = new PacedWriter(response, { clock, heartbeatMs })
  // A request that ends for another reason, say because nobody reads it, must be heard of at once.
  void reply.outcome.then(() => {
    writer.release()
  })
  let begun = false
  const write = (text: string): Promise<void> | undefined => {
    if (!begun) begin()
    begun = true
    return writer.write(text)
  }
  const framed = (make: () => string): string => {
    try {
      return make()
    } catch (error) {
      onFault()
      throw error
    }
  }
  try {
    for await (const chunks of reply.batches()) {
      const text = framed(() => chunks.map((chunk) => frames.chunk(chunk)).join(''))
      if (text !== '') await write(text)
    }
    void write(framed(() => frames.end()))
  } finally {
    writer.stop()
  }
}
