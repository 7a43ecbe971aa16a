import type { TokenLogprob } from './model-worker.ts'
import { listIn, recordOf } from './wire-values.ts'

/** The probabilities in a chat completion. */
export function chatLogprobs(value: unknown): readonly TokenLogprob[] {
  return listIn(value).flatMap((entry) => {
    const read = tokenOf(entry)
    if (read === undefined) return []
    return [{ ...read, topLogprobs: listIn(recordOf(entry)['top_logprobs']).flatMap((top) => tokenOf(top) ?? []) }]
  })
}

function tokenOf(value: unknown): Omit<TokenLogprob, 'topLogprobs'> | undefined {
  const { token, logprob, bytes } = recordOf(value)
  if (typeof token !== 'string') return undefined
  return { token, logprob: numberOf(logprob), bytes: bytesOf(bytes) }
}

function bytesOf(value: unknown): readonly number[] | null {
  return Array.isArray(value) && value.every((byte) => Number.isInteger(byte)) ? (value as number[]) : null
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

/** The probabilities in a completion of bare text: lists side by side. Offsets are left out, as they follow from the tokens. */
export function legacyLogprobs(value: unknown): readonly TokenLogprob[] {
  const { tokens, token_logprobs: own, top_logprobs: others } = recordOf(value)
  return listIn(tokens).flatMap((token, place) => {
    if (typeof token !== 'string') return []
    const topLogprobs = Object.entries(recordOf(listIn(others)[place])).map(([other, logprob]) => ({
      token: other,
      logprob: numberOf(logprob),
      bytes: null,
    }))
    return [{ token, logprob: numberOf(listIn(own)[place]), bytes: null, topLogprobs }]
  })
}
