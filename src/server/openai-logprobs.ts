import type { CompletionChoice, TokenLogprob } from '../workers/model-worker.ts'

/** Probabilities as OpenAI's chat completions have them. */
export interface OpenAiLogprobs {
  readonly content: readonly OpenAiTokenLogprob[] | null
  readonly refusal: readonly OpenAiTokenLogprob[] | null
}

interface OpenAiTokenLogprob {
  readonly token: string
  readonly logprob: number | null
  readonly bytes: readonly number[] | null
  readonly top_logprobs: TokenLogprob['topLogprobs']
}

/** The probabilities of an answer or of a piece of it; `null` where there are none. */
export function openAiLogprobs({
  logprobs,
  refusalLogprobs,
}: Pick<CompletionChoice, 'logprobs' | 'refusalLogprobs'>): OpenAiLogprobs | null {
  if (logprobs === undefined && refusalLogprobs === undefined) return null
  return { content: logprobs?.map(wire) ?? null, refusal: refusalLogprobs?.map(wire) ?? null }
}

function wire({ token, logprob, bytes, topLogprobs }: TokenLogprob): OpenAiTokenLogprob {
  return { token, logprob, bytes, top_logprobs: topLogprobs }
}
