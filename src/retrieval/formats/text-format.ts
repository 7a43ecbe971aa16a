import { decodeText } from './decode-text.ts'
import type { DocumentFormat } from './document-format.ts'

/** Plain text, in paragraphs. */
export const textFormat: DocumentFormat = {
  name: 'text',
  extensions: ['txt', 'text'],
  version: 1,
  parse: (file) => ({ text: decodeText(file), format: 'text', metadata: {} }),
}
