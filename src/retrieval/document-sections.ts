import { fromMarkdown } from 'mdast-util-from-markdown'
import type { TextRange } from './split-text.ts'
import type { Steps } from './steps.ts'

/** A unit of a document that is kept whole where it fits: a paragraph, a list, a code block. */
export interface Block extends TextRange {
  /** Whether its lines are units of meaning, as in code and tables. */
  readonly byLine: boolean
  /** Where it is best cut when it is too long: the starts of its items. Empty when it has none. */
  readonly itemStarts: readonly number[]
}

/** A heading and what stands under it, up to the next heading of any depth. */
export interface Section {
  /** 1 … 6; 0 for what stands before the first heading. */
  readonly depth: number
  /** The titles of the headings, outermost first, this section's own last. */
  readonly headings: readonly string[]
  /** The heading itself; empty before the first heading. */
  readonly heading: TextRange
  readonly blocks: readonly Block[]
}

type RootContent = ReturnType<typeof fromMarkdown>['children'][number]

/** A longer line is a paragraph that somebody marked as a heading. */
const longestHeading = 200

/**
 * How much Markdown is parsed at a time. The parser's time grows with the square of the number of blocks
 * (a megabyte of short quotations takes it minutes), so it is never given a whole document.
 */
const windowChars = 8_192

/** Only blocks matter here; leaving inline syntax out makes parsing faster and linear on unbalanced brackets. */
const blocksOnly = {
  disable: {
    null: [
      'attention',
      'autolink',
      'characterEscape',
      'characterReference',
      'codeText',
      'definition',
      'hardBreakEscape',
      'htmlText',
      'labelEnd',
      'labelStartImage',
      'labelStartLink',
    ],
  },
}

/** The sections of a plain text: one, its blocks the paragraphs. */
export function plainSections(text: string): readonly Section[] {
  const blocks: Block[] = []
  let start = 0
  for (const gap of text.matchAll(/\n[^\S\n]*\n\s*/g)) {
    blocks.push({ start, end: gap.index, byLine: false, itemStarts: [] })
    start = gap.index + gap[0].length
  }
  blocks.push({ start, end: text.length, byLine: false, itemStarts: [] })
  return [{ depth: 0, headings: [], heading: { start: 0, end: 0 }, blocks }]
}

/** The sections of a Markdown text, in order. The text has no byte order mark. */
export function* markdownSections(text: string): Steps<readonly Section[]> {
  const sections: Section[] = []
  let current = { depth: 0, headings: [] as readonly string[], heading: { start: 0, end: 0 }, blocks: [] as Block[] }
  const open: { depth: number; title: string }[] = []
  sections.push(current)
  const frontMatter = /^---[^\S\n]*\n[^]*?\n---[^\S\n]*(?:\n|$)/.exec(text)?.[0].length ?? 0
  if (frontMatter > 0) current.blocks.push({ start: 0, end: frontMatter, byLine: true, itemStarts: [] })
  for (const { node, offset, end } of topLevelNodes(text, frontMatter)) {
    yield
    const range = { start: rangeOf(node, offset).start, end }
    const title = node.type === 'heading' ? titleOf(text, node, offset) : undefined
    if (node.type !== 'heading' || title === undefined) {
      current.blocks.push(blockOf(text, node, offset, range))
      continue
    }
    while ((open.at(-1)?.depth ?? 0) >= node.depth) open.pop()
    open.push({ depth: node.depth, title })
    current = { depth: node.depth, headings: open.map((heading) => heading.title), heading: range, blocks: [] }
    sections.push(current)
  }
  return sections
}

interface PlacedNode {
  readonly node: RootContent
  /** Where the parsed window starts in the text: the node's own offsets are relative to it. */
  readonly offset: number
  /** Where it ends in the text. */
  readonly end: number
}

/**
 * The blocks of a text, parsed window by window. The last block of a window may go on behind it, so the next
 * window begins with it. One that fills a whole window is cut at the end of a line, into two of its kind; only code
 * between fences goes on to the one that closes it.
 */
function* topLevelNodes(text: string, from: number): Generator<PlacedNode> {
  for (let offset = from; offset < text.length;) {
    const window = text.slice(offset, offset + windowChars)
    const nodes = parse(window)
    const last = nodes.at(-1)
    const isAll = last === undefined || offset + windowChars >= text.length
    for (const node of isAll ? nodes : nodes.slice(0, -1)) yield { node, offset, end: rangeOf(node, offset).end }
    if (isAll) offset += window.length
    else if (nodes.length > 1) offset = rangeOf(last, offset).start
    else {
      const end = endOf(text, last, offset)
      yield { node: last, offset, end }
      offset = end
    }
  }
}

/** Where a block is cut that fills the window. */
function endOf(text: string, node: RootContent, offset: number): number {
  const { start } = rangeOf(node, offset)
  const fence = node.type === 'code' ? matchAt(/`{3,}|~{3,}/y, text, start) : ''
  if (fence !== '') {
    const closing = new RegExp(`\\n {0,3}${fence}${fence.charAt(0)}*[^\\S\\n]*(?=\\n|$)`, 'g')
    closing.lastIndex = start
    return closing.exec(text) === null ? text.length : closing.lastIndex
  }
  const line = text.lastIndexOf('\n', offset + windowChars - 1) + 1
  if (line > start) return line
  const next = text.indexOf('\n', offset + windowChars)
  return next === -1 ? text.length : next + 1
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}

function parse(text: string): readonly RootContent[] {
  // The parser takes a byte order mark away, which would shift its offsets; a space without width stays.
  return fromMarkdown(text.replace(/^\ufeff/, '\u200b'), { extensions: [blocksOnly] }).children
}

function rangeOf(node: RootContent, offset: number): TextRange {
  return { start: offset + (node.position?.start.offset ?? 0), end: offset + (node.position?.end.offset ?? 0) }
}

function blockOf(text: string, node: RootContent, offset: number, range: TextRange): Block {
  const items = node.type === 'list' || node.type === 'blockquote' ? node.children : []
  const isTable = node.type === 'paragraph' && text[range.start] === '|'
  return {
    ...range,
    byLine: node.type === 'code' || node.type === 'html' || isTable,
    itemStarts: items.map((item) => rangeOf(item, offset).start).filter((start) => start < range.end),
  }
}

/** A heading's text as it is written, on one line; none when it is empty or too long to be a heading. */
function titleOf(text: string, heading: RootContent & { type: 'heading' }, offset: number): string | undefined {
  const first = heading.children[0]
  const last = heading.children.at(-1)
  if (first === undefined || last === undefined) return undefined
  const title = text.slice(rangeOf(first, offset).start, rangeOf(last, offset).end).replace(/\s+/g, ' ').trim()
  return title.length <= longestHeading && /[\p{L}\p{N}]/u.test(title) ? title : undefined
}
