import type { CompletionChunk, FinishReason } from '../workers/model-worker.ts'
import type { FilterEnding, TextField, TextFilter } from './text-filter.ts'
import { TokenTrail } from './token-trail.ts'

/** How the texts of an answer are filtered. */
export interface FilterPlan {
  readonly create: () => TextFilter
  readonly fields: readonly TextField[]
  readonly logprobs: 'drop' | 'follow'
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** One choice of an answer on its way through a text filter. */
export class FilteredChoice {
  readonly #plan: FilterPlan
  readonly #filters = new Map<TextField, TextFilter>()
  /** Absent where probabilities are dropped. */
  readonly #trail: TokenTrail | undefined
  #finishReason: FinishReason | undefined
  #ending: FilterEnding | undefined

  constructor(plan: FilterPlan) {
    this.#plan = plan
    this.#trail = plan.logprobs === 'follow' ? new TokenTrail() : undefined
  }

  /** Whether a filter has ended it: what still comes is dropped. */
  get ended(): boolean {
    return this.#ending !== undefined
  }

  /** What can be passed on now that the chunk has come, if that is anything. */
  push(given: CompletionChunk): CompletionChunk | undefined {
    if (this.#ending !== undefined) return undefined
    const chunk = this.#plan.fields.includes('refusal') ? withoutRefusalTokens(given) : given
    const changed: Partial<Record<TextField, string>> = {}
    for (const field of this.#plan.fields) {
      const piece = chunk[field]
      if (piece === undefined || piece === '') continue
      const filter = this.#filterOf(field)
      const text = filter.push(piece)
      this.#ending ??= filter.ended
      if (text !== piece) changed[field] = text
    }
    const logprobs = this.#logprobsOf(chunk, changed.text ?? chunk.text)
    this.#finishReason = this.#ending ?? chunk.finishReason ?? this.#finishReason

    const { finishReason, usage } = chunk
    const whole = finishReason === undefined && usage === undefined && logprobs === chunk.logprobs
    if (whole && this.#ending === undefined && Object.keys(changed).length === 0) return orNothing(chunk)

    const passed: Mutable<CompletionChunk> = { ...chunk, ...changed }
    delete passed.finishReason
    delete passed.usage
    delete passed.logprobs
    if (logprobs !== undefined) passed.logprobs = logprobs
    if (this.#ending !== undefined) {
      delete passed.toolCalls
      this.#release(passed)
    }
    return orNothing(passed)
  }

  /** What is left to say when the source has ended, if that is anything; `choice` is its number. */
  end(choice: number): CompletionChunk | undefined {
    const rest: Mutable<CompletionChunk> = { text: '' }
    if (choice !== 0) rest.choice = choice
    this.#release(rest)
    const logprobs = this.#trail?.end(rest.text)
    if (logprobs !== undefined) rest.logprobs = logprobs
    return orNothing(rest)
  }

  /** Adds what the filters hold back, and the finish reason. */
  #release(chunk: Mutable<CompletionChunk>): void {
    for (const [field, filter] of this.#filters) {
      const held = filter.ended === undefined ? filter.end(this.#finishReason) : ''
      if (held !== '') chunk[field] = (chunk[field] ?? '') + held
    }
    if (this.#finishReason !== undefined) chunk.finishReason = this.#finishReason
  }

  #logprobsOf({ text: piece, logprobs }: CompletionChunk, passed: string): CompletionChunk['logprobs'] {
    if (!this.#plan.fields.includes('text')) return logprobs
    return this.#trail?.follow(piece, logprobs, passed)
  }

  #filterOf(field: TextField): TextFilter {
    let filter = this.#filters.get(field)
    if (filter === undefined) {
      filter = this.#plan.create()
      this.#filters.set(field, filter)
    }
    return filter
  }
}

/** The tokens of a refusal would tell what a filter has taken away from it. */
function withoutRefusalTokens(chunk: CompletionChunk): CompletionChunk {
  if (chunk.refusalLogprobs === undefined) return chunk
  const { refusalLogprobs: _, ...rest } = chunk
  return rest
}

/** A chunk that says nothing but whose it is need not travel. */
function orNothing(chunk: CompletionChunk): CompletionChunk | undefined {
  if (chunk.text !== '') return chunk
  const says = Object.entries(chunk).some(([key, value]) => key !== 'choice' && value !== undefined && value !== '')
  return says ? chunk : undefined
}
