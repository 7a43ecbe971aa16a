import { decodeText } from './decode-text.ts'
import type { DocumentFormat } from './document-format.ts'
import { htmlToMarkdown } from './html-to-markdown.ts'

/** Where browsers look for a page's own word on its encoding. */
const prescanBytes = 1_024

/**
 * HTML, written again as Markdown so that it is cut along its structure. The encoding is the byte order mark's, or what
 * a `meta` element says, or UTF-8.
 */
export const htmlFormat: DocumentFormat = {
  name: 'html',
  extensions: ['html', 'htm', 'xhtml'],
  version: 1,
  parse(file) {
    const { text, title, metadata } = htmlToMarkdown(decodeText(file, declaredEncoding(file.bytes)))
    return { text, format: 'markdown', metadata: { ...metadata, ...(title !== undefined && { title }) } }
  },
}

function declaredEncoding(bytes: Uint8Array): string {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, prescanBytes))
  const name = /<meta[^>]*\bcharset\s*=\s*["']?\s*([\w.:-]+)/i.exec(head)?.[1]
  if (name === undefined) return 'utf-8'
  try {
    const { encoding } = new TextDecoder(name)
    // Whoever could read the word `charset` byte by byte did not read UTF-16.
    return encoding.startsWith('utf-16') ? 'utf-8' : encoding
  } catch {
    // An encoding that nobody knows: browsers go on with what they take by default, too.
    return 'utf-8'
  }
}
