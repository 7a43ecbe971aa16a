import { LatencyHistogram } from './latency-histogram.ts'

/** Tokens of one model since the start. */
export interface TokenCounts {
  /** Of the prompts. */
  input: number
  /** Of the answers. */
  output: number
}

/** Counts what models use and how soon they begin to answer; read when the metrics are scraped. */
export class InferenceMeter {
  /** By model. */
  readonly tokens: Map<string, TokenCounts> = new Map()
  /** From the call to the first chunk with text, by model. */
  readonly firstTokens: Map<string, LatencyHistogram> = new Map()

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
}
