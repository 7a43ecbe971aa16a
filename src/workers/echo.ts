import { checkKeys, checkNumber, type Clock, systemClock } from '../../operators/index.ts'
import { defineWorker } from './define-worker.ts'
import type { CompletionChunk, ModelWorker, Prompt } from './model-worker.ts'
import { pause } from './pause.ts'

/** How the echo worker takes its time. */
export interface EchoOptions {
  /** Milliseconds before the first chunk, 0 or more; default 0. */
  readonly delayMs?: number
  /** Milliseconds before each further chunk, 0 or more; default 0. */
  readonly chunkDelayMs?: number
  /** Milliseconds that an answer takes beside these, its chunks spread evenly over them, 0 or more; default 0. */
  readonly answerMs?: number
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/**
 * A worker without a model: it answers with the prompt, so that what reached the model can be seen.
 *
 * The answer is the messages' contents, a blank line between two messages, in chunks of one word and the white
 * space around it. `usage` counts words; `maxTokens` cuts after so many words (`finishReason: 'length'`). The
 * parameter `stop` is left to the `post` stage, the others have no effect.
 *
 * @example
 * ```ts
 * const { text } = await echo({ delayMs: 100 }).infer({ messages: [{ role: 'user', content: 'hello' }] })
 * // 'hello', 100 ms later
 * ```
 */
export function echo(options: EchoOptions = {}): ModelWorker {
  checkKeys('echo', options, ['delayMs', 'chunkDelayMs', 'answerMs', 'clock'])
  const { delayMs = 0, chunkDelayMs = 0, answerMs = 0, clock = systemClock } = options
  checkNumber('delayMs', delayMs)
  checkNumber('chunkDelayMs', chunkDelayMs)
  checkNumber('answerMs', answerMs)

  return defineWorker({
    info: { id: 'echo', provider: 'spillway', models: ['echo'], capabilities: ['chat', 'stream'] },
    async *inferStream(prompt, { signal }): AsyncGenerator<CompletionChunk> {
      const { words, tail } = answer(prompt)
      const count = Math.min(words.length, prompt.parameters?.maxTokens ?? Infinity)
      const whole = count === words.length
      if (delayMs > 0) await pause(delayMs, clock, signal)
      // By the time since the beginning: a timer takes a millisecond or more, and many words less.
      const beganAt = clock.now()
      const spread = async (share: number): Promise<void> => {
        const restMs = beganAt + answerMs * share - clock.now()
        if (answerMs > 0 && restMs > 0) await pause(restMs, clock, signal)
      }
      for (let index = 0; index < count - 1; index++) {
        await spread((index + 1) / count)
        yield { text: words[index] ?? '' }
        if (chunkDelayMs > 0) await pause(chunkDelayMs, clock, signal)
      }
      await spread(1)
      yield {
        text: (words[count - 1] ?? '') + (whole ? tail : ''),
        finishReason: whole ? 'stop' : 'length',
        usage: { promptTokens: words.length, completionTokens: count },
      }
    },
  })
}

function answer(prompt: Prompt): { words: readonly string[]; tail: string } {
  const text = prompt.messages.map((message) => message.content).join('\n\n')
  // Cut off first: from within a long run of white space the pattern would look for a word again and again.
  const body = text.trimEnd()
  return { words: body.match(/\s*\S+/g) ?? [], tail: text.slice(body.length) }
}
