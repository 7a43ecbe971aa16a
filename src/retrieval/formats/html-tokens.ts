import { Tokenizer, type TokenizerCallbacks } from 'htmlparser2'

/** Hears the tags and texts of a page in order, names in lower case and entities decoded. */
export interface HtmlListener {
  readonly open: (name: string, attributes: ReadonlyMap<string, string>) => void
  readonly close: (name: string) => void
  readonly text: (text: string) => void
}

/**
 * Reads a page tag by tag, whatever is wrong with it. No tree and no stack of open elements is kept, so that the time
 * is linear in the page's length: the parser's own stack takes a minute for tags that are 100,000 deep.
 */
export function readHtml(html: string, { open, close, text }: HtmlListener): void {
  let tag = ''
  let attributes = new Map<string, string>()
  let attribute = ''
  let value = ''
  const opened = (): void => {
    open(tag, attributes)
    attributes = new Map()
  }
  const callbacks: TokenizerCallbacks = {
    onopentagname(start, end) {
      tag = html.slice(start, end).toLowerCase()
    },
    onattribname(start, end) {
      attribute = html.slice(start, end).toLowerCase()
      value = ''
    },
    onattribdata(start, end) {
      value += html.slice(start, end)
    },
    onattribentity(codePoint) {
      value += String.fromCodePoint(codePoint)
    },
    onattribend() {
      // Of two of one name the first counts, as in browsers.
      if (!attributes.has(attribute)) attributes.set(attribute, value)
    },
    onopentagend: opened,
    onselfclosingtag: opened,
    onclosetag(start, end) {
      close(html.slice(start, end).toLowerCase())
    },
    ontext(start, end) {
      text(html.slice(start, end))
    },
    ontextentity(codePoint) {
      text(String.fromCodePoint(codePoint))
    },
    oncdata: ignored,
    oncomment: ignored,
    ondeclaration: ignored,
    onprocessinginstruction: ignored,
    onend: ignored,
  }
  const tokenizer = new Tokenizer({ decodeEntities: true }, callbacks)
  tokenizer.write(html)
  tokenizer.end()
}

function ignored(): void {
  // Comments and declarations are for machines.
}
