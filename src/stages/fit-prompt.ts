/** What a passage takes and what it is worth. */
export interface WeighedPassage {
  readonly tokens: number
  /** Greater is better. */
  readonly score: number
}

/** The parts of a prompt by their tokens. */
export interface PromptParts {
  /** Of what is never left out, the last turn not included. */
  readonly fixed: number
  readonly passages: readonly WeighedPassage[]
  /** Of each turn of the conversation, the oldest first; the last is never left out. */
  readonly turns: readonly number[]
}

/** What of a prompt stays. */
export interface PromptFit {
  /** Whether what stays is within the limit. */
  readonly fits: boolean
  /** Of what stays. */
  readonly tokens: number
  /** The indices of the passages that stay, in their order. */
  readonly passages: readonly number[]
  /** The index of the first turn that stays; so do all after it. */
  readonly firstTurn: number
}

/**
 * Leaves out of a prompt what is beyond a limit of tokens, and nothing more: passages from the weakest up (of equals
 * the later first), and when none is left the turns of the conversation from the oldest on.
 *
 * It takes time in proportion to the parts, but for sorting the passages.
 */
export function fitPrompt({ fixed, passages, turns }: PromptParts, limit: number): PromptFit {
  let tokens = fixed + sum(turns)
  for (const passage of passages) tokens += passage.tokens

  const weakestFirst = passages.map((_, index) => index)
  weakestFirst.sort((a, b) => (passages[a]?.score ?? 0) - (passages[b]?.score ?? 0) || b - a)
  let left = 0
  while (tokens > limit && left < weakestFirst.length) tokens -= passages[weakestFirst[left++] ?? 0]?.tokens ?? 0

  let firstTurn = 0
  while (tokens > limit && firstTurn < turns.length - 1) tokens -= turns[firstTurn++] ?? 0

  return {
    fits: tokens <= limit,
    tokens,
    passages: weakestFirst.slice(left).sort((a, b) => a - b),
    firstTurn,
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
