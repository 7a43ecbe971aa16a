import { chunkLimits, type ChunkLimits, type ChunkOptions } from './chunk-limits.ts'
import { type Block, markdownSections, plainSections, type Section } from './document-sections.ts'
import type { SourceDocument } from './retriever.ts'
import { type CountedRange, splitText, trimLines } from './split-text.ts'
import { atOnce, type Steps } from './steps.ts'

/** A piece of a document that is indexed and found by itself. */
export interface Chunk {
  /** The headings above it, outermost first; none in plain text. */
  readonly headings: readonly string[]
  /** As it is written in the document. */
  readonly text: string
}

const hasWord = /[\p{L}\p{N}]/u

/**
 * Cuts a document into chunks along its structure: Markdown by headings and blocks, plain text by paragraphs. Neighbouring blocks of a section share a chunk while they fit.
 *
 * Pure; no chunk has more than `maxTokens`; every word of the text is in a chunk's text or headings, and a chunk without words is left out.
 *
 * @example
 * ```ts
 * chunkDocument({ source: 'a.md', text: '# Setup\n\nRun it.' }) // [{ headings: ['Setup'], text: 'Run it.' }]
 * ```
 *
 * @throws RangeError or TypeError for a bad option.
 */
export function chunkDocument(document: SourceDocument, options: ChunkOptions = {}): readonly Chunk[] {
  return atOnce(cutDocument(document, chunkLimits(options)))
}

/** `chunkDocument`, to be done in steps. */
export function* cutDocument(document: SourceDocument, limits: ChunkLimits): Steps<readonly Chunk[]> {
  // A byte order mark is not text.
  const text = document.text.startsWith('\ufeff') ? document.text.slice(1) : document.text
  const sections = isMarkdown(document) ? yield* markdownSections(text) : plainSections(text)
  const chunks: Chunk[] = []
  for (const [index, section] of sections.entries()) {
    const body = yield* pack(text, section.blocks, limits)
    // A heading with nothing under it but deeper headings is carried by their chunks, otherwise it is its own.
    const carried = (sections[index + 1]?.depth ?? 0) > section.depth
    const texts = body.length > 0 || carried ? body : yield* pack(text, [headingBlock(section)], limits)
    for (const piece of texts) chunks.push({ headings: section.headings, text: piece })
  }
  return chunks
}

function isMarkdown({ source, format }: SourceDocument): boolean {
  return format === undefined ? /\.(?:md|markdown)$/i.test(source) : format === 'markdown'
}

function headingBlock(section: Section): Block {
  return { ...section.heading, byLine: false, itemStarts: [] }
}

/** The texts of a section's chunks: blocks side by side while they fit, a block that is too long in pieces. */
function* pack(text: string, blocks: readonly Block[], limits: ChunkLimits): Steps<readonly string[]> {
  const pieces: CountedRange[] = []
  for (const block of blocks) pieces.push(...(yield* piecesOf(text, block, limits)))
  const texts: string[] = []
  for (let first = 0; first < pieces.length;) {
    yield
    let stop = first + 1
    let tokens = pieces[first]?.tokens ?? 0
    for (; stop < pieces.length; stop++) {
      tokens += pieces[stop]?.tokens ?? 0
      if (tokens > limits.maxTokens) break
    }
    let whole = textOf(text, pieces, first, stop)
    // What is between blocks has tokens, too.
    while (stop > first + 1 && limits.count(whole) > limits.maxTokens) {
      stop -= 1
      whole = textOf(text, pieces, first, stop)
    }
    if (hasWord.test(whole)) texts.push(whole)
    first = stop
  }
  return texts
}

function textOf(text: string, pieces: readonly CountedRange[], first: number, stop: number): string {
  return trimLines(text.slice(pieces[first]?.start, pieces[stop - 1]?.end))
}

function* piecesOf(text: string, block: Block, limits: ChunkLimits): Steps<readonly CountedRange[]> {
  const whole = fitting(text, block.start, block.end, limits)
  yield
  if (whole !== undefined) return [whole]
  // What stands before the first item (a quotation's mark) belongs to it.
  const starts = [block.start, ...block.itemStarts.slice(1)]
  if (starts.length === 1) return yield* splitText(text, block, limits, block.byLine)
  const pieces: CountedRange[] = []
  for (const [index, start] of starts.entries()) {
    const end = starts[index + 1] ?? block.end
    const item = fitting(text, start, end, limits)
    if (item !== undefined) pieces.push(item)
    else pieces.push(...(yield* splitText(text, { start, end }, limits, block.byLine)))
  }
  return pieces
}

/** A range with its tokens, if it has no more than a chunk may have. */
function fitting(text: string, start: number, end: number, limits: ChunkLimits): CountedRange | undefined {
  if (end - start > limits.maxChars) return undefined
  const tokens = limits.count(text.slice(start, end))
  return tokens <= limits.maxTokens ? { start, end, tokens } : undefined
}
