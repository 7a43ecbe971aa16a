import { checkInteger, checkKeys } from '../../operators/index.ts'
import { type Block, markdownSections, plainSections, type Section } from './document-sections.ts'
import type { SourceDocument } from './retriever.ts'
import { splitText, type TextRange } from './split-text.ts'

/** A piece of a document that is indexed and found by itself. */
export interface Chunk {
  /** The headings above it, outermost first; none in plain text. */
  readonly headings: readonly string[]
  /** As it is written in the document. */
  readonly text: string
}

/** How a document is cut. */
export interface ChunkOptions {
  /** The longest chunk in UTF-16 units, 16 … 100,000; default 1,200. */
  readonly maxChars?: number
  /** How much a chunk repeats of the one before it where a block had to be split, 0 … half of `maxChars`; default 120, or less. */
  readonly overlapChars?: number
}

const hasWord = /[\p{L}\p{N}]/u

/**
 * Cuts a document into chunks along its structure: Markdown by headings and blocks, plain text by paragraphs. Neighbouring blocks of a section share a chunk while they fit.
 *
 * Pure; every word of the text is in a chunk's text or headings, and a chunk without words is left out.
 *
 * @example
 * ```ts
 * chunkDocument({ source: 'a.md', text: '# Setup\n\nRun it.' }) // [{ headings: ['Setup'], text: 'Run it.' }]
 * ```
 *
 * @throws RangeError or TypeError for a bad option.
 */
export function chunkDocument(document: SourceDocument, options: ChunkOptions = {}): readonly Chunk[] {
  const limits = chunkLimits(options)
  // A byte order mark is not text.
  const text = document.text.startsWith('\ufeff') ? document.text.slice(1) : document.text
  const sections = isMarkdown(document) ? markdownSections(text) : plainSections(text)
  const chunks: Chunk[] = []
  sections.forEach((section, index) => {
    const body = pack(text, section.blocks, limits)
    // A heading with nothing under it but deeper headings is carried by their chunks, otherwise it is its own.
    const carried = (sections[index + 1]?.depth ?? 0) > section.depth
    const texts = body.length > 0 || carried ? body : pack(text, [headingBlock(section)], limits)
    for (const piece of texts) chunks.push({ headings: section.headings, text: piece })
  })
  return chunks
}

/** The options with their defaults, checked. */
export function chunkLimits(options: ChunkOptions): Required<ChunkOptions> {
  checkKeys('chunkDocument', options, ['maxChars', 'overlapChars'])
  const maxChars = checkInteger('maxChars', options.maxChars ?? 1_200, { min: 16, max: 100_000 })
  const half = Math.floor(maxChars / 2)
  const overlapChars = checkInteger('overlapChars', options.overlapChars ?? Math.min(120, half), { min: 0, max: half })
  return { maxChars, overlapChars }
}

function isMarkdown({ source, format }: SourceDocument): boolean {
  return format === undefined ? /\.(?:md|markdown)$/i.test(source) : format === 'markdown'
}

function headingBlock(section: Section): Block {
  return { ...section.heading, byLine: false, itemStarts: [] }
}

/** The texts of a section's chunks: blocks side by side while they fit, a block that is too long in pieces. */
function pack(text: string, blocks: readonly Block[], limits: Required<ChunkOptions>): readonly string[] {
  const ranges: { start: number; end: number }[] = []
  for (const piece of blocks.flatMap((block) => piecesOf(text, block, limits))) {
    const last = ranges.at(-1)
    if (last !== undefined && piece.end - last.start <= limits.maxChars) last.end = piece.end
    else ranges.push({ ...piece })
  }
  return ranges.map((range) => trimLines(text.slice(range.start, range.end))).filter((piece) => hasWord.test(piece))
}

function piecesOf(text: string, block: Block, limits: Required<ChunkOptions>): readonly TextRange[] {
  if (block.end - block.start <= limits.maxChars) return [block]
  // What stands before the first item (a quotation's mark) belongs to it.
  const starts = [block.start, ...block.itemStarts.slice(1)]
  return starts.flatMap((start, index) => {
    const range = { start, end: starts[index + 1] ?? block.end }
    return splitText(text, range, { ...limits, byLine: block.byLine })
  })
}

/** Without blank lines around it; the first line keeps its indentation. */
function trimLines(text: string): string {
  return text.replace(/^(?:[^\S\n]*\n)+/, '').trimEnd()
}
