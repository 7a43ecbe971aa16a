/** A run of text on a page, as pdf.js gives them, in the order in which the file draws them. */
export interface PageText {
  readonly str: string
  /** Whether a line ends with it. */
  readonly hasEOL: boolean
  /** In units of the page. */
  readonly height: number
  /** The last two are where it stands: to the right, and upwards. */
  readonly transform: readonly unknown[]
}

/** A step down that is more than a line's height by this factor begins a paragraph. */
const paragraphStep = 1.7

/**
 * The paragraphs of a page: lines that stand close below each other. A word that is divided at the end of a line is
 * put together again.
 */
export function pageParagraphs(items: readonly PageText[]): readonly string[] {
  const paragraphs: string[] = []
  let text = ''
  let last: { readonly y: number; readonly height: number } | undefined
  for (const { str, hasEOL, height, transform } of items) {
    if (str.trim() !== '') {
      const y = Number(transform[5])
      const step = last === undefined ? 0 : Math.abs(last.y - y)
      if (last !== undefined && step > paragraphStep * Math.max(last.height, height)) {
        paragraphs.push(text)
        text = ''
      }
      last = { y, height }
    }
    text += str
    if (hasEOL) text += '\n'
  }
  paragraphs.push(text)
  return paragraphs.map((paragraph) => joined(paragraph)).filter((paragraph) => /[\p{L}\p{N}]/u.test(paragraph))
}

function joined(paragraph: string): string {
  return paragraph.replace(/(\p{Ll})[-\u00ad]\n(?=\p{Ll})/gu, '$1').trim()
}
