import type { CompletionChunk, Usage } from '../workers/model-worker.ts'
import { FilteredChoice, type FilterPlan } from './filtered-choice.ts'

/** As many as OpenAI's API lets a request ask for: a model that sends more is out of its mind. */
const maxChoices = 128

/** An answer of one or more choices on its way through a text filter. */
export class FilteredAnswer {
  readonly #plan: FilterPlan
  readonly #asked: number
  readonly #choices = new Map<number, FilteredChoice>()
  #usage: Usage | undefined
  #over = false
  /** The end of the choice that was the last to end. */
  #last: CompletionChunk | undefined

  /** @param asked How many choices the answer has; those that come beyond them count, too. */
  constructor(plan: FilterPlan, asked: number) {
    this.#plan = plan
    this.#asked = asked
  }

  /** Whether filters have ended all choices: nothing more is wanted. */
  get over(): boolean {
    return this.#over
  }

  /** What can be passed on now that the chunk has come, if that is anything. */
  push(chunk: CompletionChunk): CompletionChunk | undefined {
    this.#usage = chunk.usage ?? this.#usage
    const choice = this.#choiceOf(chunk.choice ?? 0)
    const passed = choice.push(chunk)
    this.#over = choice.ended && this.#allEnded()
    if (!this.#over) return passed
    // The source is let go of first.
    this.#last = passed
    return undefined
  }

  /** What is left to say, now that the source has ended or was let go of. */
  end(): readonly CompletionChunk[] {
    const rest = this.#last === undefined ? [] : [this.#last]
    for (const [index, choice] of this.#choices) {
      const chunk = choice.ended ? undefined : choice.end(index)
      if (chunk !== undefined) rest.push(chunk)
    }
    if (this.#usage === undefined) return rest
    const last = rest.pop() ?? { text: '' }
    return [...rest, { ...last, usage: this.#usage }]
  }

  #allEnded(): boolean {
    return this.#choices.size >= this.#asked && [...this.#choices.values()].every(({ ended }) => ended)
  }

  #choiceOf(index: number): FilteredChoice {
    let choice = this.#choices.get(index)
    if (choice === undefined) {
      if (this.#choices.size === maxChoices) {
        throw new RangeError(`an answer may have at most ${maxChoices} choices, and the model sent one more: ${index}`)
      }
      choice = new FilteredChoice(this.#plan)
      this.#choices.set(index, choice)
    }
    return choice
  }
}
