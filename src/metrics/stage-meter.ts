import { LatencyHistogram } from './latency-histogram.ts'
import type { StageCounter } from './stage-counters.ts'

/** Tokens of one model since the start. */
export interface TokenCounts {
  /** Of the prompts. */
  input: number
  /** Of the answers. */
  output: number
}

/** Counts what stages do beside their runs, such as the tokens that models use; read when the metrics are scraped. */
export class StageMeter {
  /** By model. */
  readonly tokens: Map<string, TokenCounts> = new Map()
  /** From the call to the first chunk with text, by model. */
  readonly firstTokens: Map<string, LatencyHistogram> = new Map()
  /** By counter, then by the value of its label. */
  readonly counts: Map<StageCounter, Map<string, number>> = new Map()

  /** Adds the tokens of an answer, as its model counted them. */
  used(model: string, input: number, output: number): void {
    let counts = this.tokens.get(model)
    if (counts === undefined) {
      counts = { input: 0, output: 0 }
      this.tokens.set(model, counts)
    }
    counts.input += input
    counts.output += output
  }

  /** Adds the time to the first chunk of an answer. */
  firstToken(model: string, durationMs: number): void {
    let histogram = this.firstTokens.get(model)
    if (histogram === undefined) {
      histogram = new LatencyHistogram()
      this.firstTokens.set(model, histogram)
    }
    histogram.observe(durationMs)
  }

  /**
   * Adds to one of the stages' counters.
   *
   * @param label The value of the counter's label: one of a few, never a text of a user's.
   */
  count(counter: StageCounter, label: string, by = 1): void {
    let counts = this.counts.get(counter)
    if (counts === undefined) {
      counts = new Map()
      this.counts.set(counter, counts)
    }
    counts.set(label, (counts.get(label) ?? 0) + by)
  }
}
