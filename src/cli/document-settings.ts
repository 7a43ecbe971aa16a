import { checkInteger } from '../../operators/index.ts'
import { chunkLimits } from '../retrieval/chunk-limits.ts'

/** What the command line says of reading and cutting documents, as text. */
export interface DocumentArguments {
  readonly maxBytes?: string
  readonly chunkTokens?: string
  readonly chunkOverlapTokens?: string
}

/** How documents are read and cut: the same for `ingest` and `serve`, so that one index fits both. */
export interface DocumentSettings {
  readonly maxBytes: number
  readonly chunks: { readonly maxTokens: number; readonly overlapTokens: number }
}

/** The options, for both commands. */
export const documentOptions: readonly (readonly [flags: string, description: string])[] = [
  ['--max-bytes <number>', 'the largest document that is read, 1 … 1000000000 (default: 10000000)'],
  ['--chunk-tokens <number>', 'the longest passage, in estimated tokens, 16 … 100000 (default: 256)'],
  ['--chunk-overlap-tokens <number>', 'how much passages of one block share, at most half (default: a tenth)'],
]

/**
 * Checks how documents are to be read and cut.
 *
 * @throws TypeError or RangeError naming the option, its value and what is allowed.
 */
export function documentSettings({ maxBytes, chunkTokens, chunkOverlapTokens }: DocumentArguments): DocumentSettings {
  const { maxTokens, overlapTokens } = chunkLimits({
    ...(chunkTokens !== undefined && {
      maxTokens: whole('--chunk-tokens', chunkTokens, { min: 16, max: 100_000 }),
    }),
  })
  const half = { min: 0, max: Math.floor(maxTokens / 2) }
  return {
    maxBytes: whole('--max-bytes', maxBytes ?? '10000000', { min: 1, max: 1_000_000_000 }),
    chunks: {
      maxTokens,
      overlapTokens:
        chunkOverlapTokens === undefined ? overlapTokens : whole('--chunk-overlap-tokens', chunkOverlapTokens, half),
    },
  }
}

function whole(option: string, text: string, range: { readonly min: number; readonly max: number }): number {
  return checkInteger(option, /^-?\d+$/.test(text) ? Number(text) : text, range)
}
