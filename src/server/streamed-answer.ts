import type { ServerResponse } from 'node:http'
import type { Clock, TimerHandle } from '../../operators/index.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { CompletionChunk } from '../workers/model-worker.ts'
import type { ChunkFrames } from './chunk-frames.ts'

/** How an answer is streamed. */
export interface StreamedAnswerOptions {
  readonly frames: ChunkFrames
  readonly clock: Clock
  /** Milliseconds of silence after which a comment is sent, once the first chunk is out. */
  readonly heartbeatMs: number
  /** Writes the status line and the headers; called with the first chunk, so that until then an error can have a status. */
  readonly begin: () => void
}

/**
 * Sends an answer as server-sent events, as fast as the client takes it: chunks that are there together go out in
 * one write. Resolves when all is handed over, without ending the response; rejects as the reply's `batches()` do,
 * before or after `begin` was called.
 */
export async function streamedAnswer(
  reply: Pick<Reply<CompletionChunk>, 'batches' | 'outcome'>,
  response: ServerResponse,
  { frames, clock, heartbeatMs, begin }: StreamedAnswerOptions,
): Promise<void> {
  let begun = false
  let lastWrite = 0
  let heartbeat: TimerHandle
  const beat = (): void => {
    const silentMs = clock.now() - lastWrite
    if (silentMs >= heartbeatMs) {
      // A client that does not even take what it was sent needs no sign of life.
      if (!response.writableNeedDrain) response.write(': still here\n\n')
      lastWrite = clock.now()
    }
    heartbeat = clock.setTimeout(beat, lastWrite + heartbeatMs - clock.now())
  }
  const write = (text: string): boolean => {
    if (!begun) {
      begun = true
      begin()
      heartbeat = clock.setTimeout(beat, heartbeatMs)
    }
    lastWrite = clock.now()
    return response.write(text)
  }

  try {
    for await (const chunks of reply.batches()) {
      let text = ''
      for (const chunk of chunks) text += frames.chunk(chunk)
      if (text !== '' && !write(text)) await room(response, reply)
    }
    write(frames.end())
  } finally {
    clock.clearTimeout(heartbeat)
  }
}

/** Until the client has taken what it was sent, has gone, or the request is over for another reason. */
async function room(response: ServerResponse, reply: Pick<Reply<CompletionChunk>, 'outcome'>): Promise<void> {
  await new Promise<void>((resolve) => {
    const over = (): void => {
      response.off('drain', over)
      response.off('close', over)
      resolve()
    }
    response.on('drain', over)
    response.on('close', over)
    if (response.destroyed) over()
    void reply.outcome.then(over)
  })
}
