/** Deeper lists are written as if they were this deep: their indentation would be most of the text. */
const deepestList = 8

interface OpenList {
  /** The number of its next item; `undefined` where it has bullets. */
  next: number | undefined
  /** How far its items' texts are indented. */
  width: number
}

/** Writes blocks as Markdown whose structure is what it was told, whatever the texts contain. */
export class MarkdownWriter {
  private readonly blocks: string[] = []
  private readonly lists: OpenList[] = []
  /** Lists that are open but too deep to be written. */
  private deeper = 0
  private quotes = 0
  private lastIsItem = false
  /** The mark of the item whose first block is still to come. */
  private mark = ''

  /** A paragraph; its lines stay lines. */
  paragraph(text: string): void {
    const lines = text.split('\n').map((line) => escapeStart(collapse(line)))
    const kept = lines.filter((line) => line !== '')
    if (kept.length > 0) this.write(kept)
  }

  heading(depth: number, text: string): void {
    const line = collapse(text)
    if (line !== '') this.push(`${'#'.repeat(depth)} ${line}`)
  }

  /** Preformatted text. */
  code(text: string): void {
    if (text.trim() === '') return
    const longest = (text.match(/`{3,}/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2)
    const fence = '`'.repeat(longest + 1)
    this.push(`${fence}\n${text.replace(/^\n|\n$/g, '')}\n${fence}`)
  }

  /** A table; the first row is its head. */
  table(rows: readonly (readonly string[])[]): void {
    const [head, ...body] = rows.filter((row) => row.some((cell) => collapse(cell) !== ''))
    if (head === undefined) return
    this.push([rowLine(head), `|${'---|'.repeat(head.length)}`, ...body.map(rowLine)].join('\n'))
  }

  openList(ordered: boolean): void {
    if (this.lists.length === deepestList) this.deeper += 1
    else this.lists.push({ next: ordered ? 1 : undefined, width: 2 })
  }

  closeList(): void {
    this.mark = ''
    if (this.deeper > 0) this.deeper -= 1
    else this.lists.pop()
  }

  item(): void {
    const list = this.lists.at(-1)
    if (list === undefined) return
    this.mark = list.next === undefined ? '- ' : `${list.next}. `
    if (list.next !== undefined) list.next += 1
    list.width = this.mark.length
  }

  openQuote(): void {
    this.quotes += 1
  }

  closeQuote(): void {
    this.quotes = Math.max(0, this.quotes - 1)
  }

  /** All that was written. */
  end(): string {
    return this.blocks.join('').trim()
  }

  private write(lines: readonly string[]): void {
    const isItem = this.mark !== ''
    const quote = this.quotes > 0 ? '> ' : ''
    const rest = ' '.repeat(this.lists.reduce((sum, { width }) => sum + width, 0))
    const indentation = rest.slice(this.mark.length)
    const text = lines
      .map((line, index) => `${quote}${index === 0 && isItem ? `${indentation}${this.mark}` : rest}${line}`)
      .join('\n')
    this.mark = ''
    this.push(text, isItem)
  }

  /** Items follow each other closely, everything else after an empty line. */
  private push(text: string, isItem = false): void {
    if (this.blocks.length > 0) this.blocks.push(isItem && this.lastIsItem ? '\n' : '\n\n')
    this.blocks.push(text)
    this.lastIsItem = isItem
  }
}

function collapse(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

/** A line that looks like the start of a block in Markdown, but is text. */
function escapeStart(line: string): string {
  return line.replace(/^(?=[#>+*=~`<|-])/, '\\').replace(/^(\d{1,9})(?=[.)](?:\s|$))/, '$1\\')
}

function rowLine(cells: readonly string[]): string {
  return `| ${cells.map((cell) => collapse(cell).replaceAll('|', '\\|')).join(' | ')} |`
}
