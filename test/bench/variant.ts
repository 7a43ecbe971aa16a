import type { RoundFigures, RoundSize } from './closed-loop.ts'

/** One row of a benchmark, as it is measured: its rounds alternate with those of the others. */
export interface Variant {
  readonly name: string
  /** What its callers wait for; once `prepare` has returned `false`, why nothing is measured. */
  readonly note: string
  /** Builds or starts what it needs and warms it up; `false` where that is impossible on this machine. */
  prepare(size: RoundSize): Promise<boolean>
  round(size: RoundSize): Promise<RoundFigures>
  close(): void
}
