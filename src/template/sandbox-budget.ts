import { type Clock, systemClock } from '../../operators/index.ts'
import { TemplateError } from './template-error.ts'

/** How much a template may do in one rendering. */
export interface TemplateLimits {
  /**
   * Steps, 1 or more; default 100,000. A step is a part of the template that is evaluated, 256 characters that are read
   * or made, or four items of a list that are looked at; each iteration of a loop takes four.
   */
  readonly maxSteps?: number
  /** Characters that may be printed, those that a macro or a block catches included, 1 or more; default 1,000,000. */
  readonly maxOutputChars?: number
  /** Milliseconds that a rendering may take, 1 or more; default 1,000. The steps end it much sooner on most machines. */
  readonly timeoutMs?: number
}

/** What a step is worth in characters. */
const charsPerStep = 256

/** The clock is asked once in so many steps: its answer costs as much as a step. */
const stepsPerLook = 1024

/**
 * What a rendering may still spend.
 *
 * Whatever takes time or memory is paid for in one currency, so that no combination of cheap operations is dear:
 * characters that are read or made. Paying is deterministic; the clock stands behind it for a machine that is slow.
 */
export class SandboxBudget {
  readonly #limits: Required<TemplateLimits>
  readonly #clock: Clock
  readonly #startedAt: number
  /** In characters. */
  readonly #limit: number
  #spent = 0
  #nextLook = stepsPerLook * charsPerStep
  #printed = 0

  constructor(limits: Required<TemplateLimits>, clock: Clock = systemClock) {
    this.#limits = limits
    this.#clock = clock
    this.#limit = limits.maxSteps * charsPerStep
    this.#startedAt = clock.now()
  }

  /** @throws TemplateError when nothing is left. */
  steps(count: number): void {
    this.chars(count * charsPerStep)
  }

  /** @throws TemplateError when nothing is left. */
  chars(count: number): void {
    this.#spent += count
    // So that a sum that is no number is refused, too.
    if (!(this.#spent <= this.#limit)) {
      throw new TemplateError(`the template took more than its maxSteps of ${this.#limits.maxSteps} steps`)
    }
    if (this.#spent < this.#nextLook) return
    this.#nextLook = this.#spent + stepsPerLook * charsPerStep
    const tookMs = this.#clock.now() - this.#startedAt
    if (tookMs > this.#limits.timeoutMs) {
      throw new TemplateError(
        `the template took ${Math.round(tookMs)} ms, more than its timeoutMs of ${this.#limits.timeoutMs} ms`,
      )
    }
  }

  /** @throws TemplateError when that is more than may be printed. */
  print(count: number): void {
    this.#printed += count
    if (this.#printed > this.#limits.maxOutputChars) {
      throw new TemplateError(
        `the template printed more than its maxOutputChars of ${this.#limits.maxOutputChars} characters`,
      )
    }
  }
}
