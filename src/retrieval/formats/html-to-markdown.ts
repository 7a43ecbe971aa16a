import type { DocumentMetadata } from '../retriever.ts'
import { readHtml } from './html-tokens.ts'
import { MarkdownWriter } from './markdown-writer.ts'
import { titleText } from './title-text.ts'

/** A page as Markdown. */
export interface HtmlDocument {
  readonly text: string
  /** The `title` element's, or the first heading's. */
  readonly title: string | undefined
  /** Its author and description, where it names them. */
  readonly metadata: DocumentMetadata
}

/** Never text that somebody reads. */
const machinery = words(
  'script style noscript template svg math iframe object canvas audio video select button textarea',
)
/** The same on every page of a site. */
const navigation = words('nav footer')
/** What begins and ends a paragraph. */
const blocks = words(
  'address article aside body caption center dd details dialog div dl dt fieldset figcaption figure form header hr html legend main p section summary',
)
/** What a table for layout has in its cells, and a table of data has not. */
const layout = words('h1 h2 h3 h4 h5 h6 ul ol pre table')

/**
 * Writes a page as Markdown: headings, paragraphs, lists, tables, quotations and code keep their structure, links and
 * images their texts. Scripts, styles, navigation and footers are left out; where nothing else is there, navigation
 * and footers stay. A page without a first-rank heading gets its title as one.
 *
 * Pure, and linear in the page's length.
 *
 * @example
 * ```ts
 * htmlToMarkdown('<title>Dams</title><ul><li>Hoover</ul>').text // '# Dams\n\n- Hoover'
 * ```
 */
export function htmlToMarkdown(html: string): HtmlDocument {
  const page = new Page(new Set([...machinery, ...navigation]))
  readHtml(html, page)
  const result = page.end()
  if (/[\p{L}\p{N}]/u.test(result.text)) return result
  const whole = new Page(machinery)
  readHtml(html, whole)
  return whole.end()
}

class Page {
  private readonly skipped: ReadonlySet<string>
  private readonly writer = new MarkdownWriter()
  private readonly metadata: Record<string, string> = {}
  private pageTitle = ''
  private firstHeading: string | undefined
  private hasMainHeading = false
  /** The element whose content is left out, and how often its name is open. */
  private skipping: { readonly name: string; depth: number } | undefined
  private inTitle = false
  /** 1 … 6 in a heading. */
  private headingDepth = 0
  private inCode = false
  private pending = ''
  private rows: string[][] | undefined
  /** Tables that are open: in those for layout nothing is a cell. */
  private tables = 0

  constructor(skipped: ReadonlySet<string>) {
    this.skipped = skipped
  }

  readonly open = (name: string, attributes: ReadonlyMap<string, string>): void => {
    if (this.skipping !== undefined) {
      // Whoever forgot to close the navigation still has a page below it.
      if (name === 'main' || name === 'article') this.skipping = undefined
      else if (name === this.skipping.name) this.skipping.depth += 1
      if (this.skipping !== undefined) return
    }
    if (this.skipped.has(name)) {
      if (navigation.has(name)) this.flush()
      this.skipping = { name, depth: 1 }
      return
    }
    if (name === 'meta') this.describe(attributes)
    else if (name === 'title') this.inTitle = this.pageTitle === ''
    else if (name === 'br') this.pending += '\n'
    else if (name === 'img') this.pending += ` ${attributes.get('alt') ?? ''} `
    else if (name === 'code' && !this.inCode) this.pending += '`'
    else this.openBlock(name)
  }

  readonly close = (name: string): void => {
    if (this.skipping !== undefined) {
      if (name === 'body' || name === 'html') this.skipping = undefined
      else if (name === this.skipping.name && --this.skipping.depth === 0) this.skipping = undefined
      return
    }
    if (name === 'title') this.inTitle = false
    else if (name === 'code' && !this.inCode) this.pending += '`'
    else this.closeBlock(name)
  }

  readonly text = (text: string): void => {
    if (this.skipping !== undefined) return
    if (this.inTitle) this.pageTitle += text
    else if (this.inCode) this.pending += text
    else this.pending += text.replace(/[\t\n\f\r ]+/g, ' ')
  }

  end(): HtmlDocument {
    this.flush()
    this.endTable()
    const body = this.writer.end()
    const title = titleText(this.pageTitle)
    const head = title === undefined || this.hasMainHeading ? '' : `# ${title}\n\n`
    return { text: `${head}${body}`.trim(), title: title ?? this.firstHeading, metadata: this.metadata }
  }

  private openBlock(name: string): void {
    if (this.rows !== undefined && layout.has(name)) this.dissolveTable()
    if (this.rows !== undefined && this.openCell(name)) return
    if (/^h[1-6]$/.test(name)) {
      this.flush()
      this.headingDepth = Number(name[1])
    } else if (name === 'ul' || name === 'ol') {
      this.flush()
      this.writer.openList(name === 'ol')
    } else if (name === 'li') {
      this.flush()
      this.writer.item()
    } else if (name === 'pre') {
      this.flush()
      this.inCode = true
    } else if (name === 'blockquote') {
      this.flush()
      this.writer.openQuote()
    } else if (name === 'table') {
      this.flush()
      this.tables += 1
      if (this.tables === 1) this.rows = []
    } else if (name === 'tr' || name === 'td' || name === 'th' || blocks.has(name)) this.flush()
  }

  private closeBlock(name: string): void {
    if (name === 'table') {
      this.flush()
      this.tables = Math.max(0, this.tables - 1)
      this.endTable()
    } else if (this.rows !== undefined && !layout.has(name)) {
      // A cell ends where the next one begins; blocks in it are but words apart.
      if (blocks.has(name)) this.pending += ' '
    } else if (/^h[1-6]$/.test(name) || name === 'li' || blocks.has(name) || name === 'tr' || name === 'td')
      this.flush()
    else if (name === 'ul' || name === 'ol') {
      this.flush()
      this.writer.closeList()
    } else if (name === 'pre') {
      this.flush()
      this.inCode = false
    } else if (name === 'blockquote') {
      this.flush()
      this.writer.closeQuote()
    }
  }

  /** @returns Whether the tag was one that counts in a table of data. */
  private openCell(name: string): boolean {
    if (name === 'tr' || name === 'td' || name === 'th') {
      this.endCell()
      if (name === 'tr') this.rows?.push([])
      else this.rows?.at(-1)?.push('')
      return true
    }
    if (name === 'caption') return false
    this.pending += blocks.has(name) ? ' ' : ''
    return true
  }

  private endCell(): void {
    const row = this.rows?.at(-1)
    if (row === undefined || row.length === 0) this.paragraph()
    else row.push(`${row.pop() ?? ''}${this.pending}`)
    this.pending = ''
  }

  /** The table turns out to be there for layout: what it has is the page's. */
  private dissolveTable(): void {
    this.endCell()
    const cells = this.rows?.flat() ?? []
    this.rows = undefined
    for (const cell of cells) this.writer.paragraph(cell)
  }

  private endTable(): void {
    if (this.rows === undefined) return
    this.endCell()
    this.writer.table(this.rows)
    this.rows = undefined
  }

  private flush(): void {
    if (this.rows !== undefined) this.endCell()
    else if (this.inCode) this.writer.code(this.pending)
    else if (this.headingDepth > 0) this.heading()
    else this.paragraph()
    this.pending = ''
    this.headingDepth = 0
  }

  private heading(): void {
    const title = titleText(this.pending)
    this.firstHeading ??= title
    this.hasMainHeading ||= this.headingDepth === 1 && title !== undefined
    this.writer.heading(this.headingDepth, this.pending)
  }

  private paragraph(): void {
    this.writer.paragraph(this.pending)
  }

  private describe(attributes: ReadonlyMap<string, string>): void {
    const name = attributes.get('name')?.toLowerCase()
    const content = attributes.get('content')?.replace(/\s+/g, ' ').trim() ?? ''
    if ((name === 'author' || name === 'description') && content !== '') {
      this.metadata[name] ??= content.slice(0, 500)
    }
  }
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '))
}
