import { decodeText } from './decode-text.ts'
import type { DocumentFormat } from './document-format.ts'
import { frontMatter } from './front-matter.ts'
import { titleText } from './title-text.ts'

/** Markdown: its front matter's plain values become metadata, its first heading the title where they name none. */
export const markdownFormat: DocumentFormat = {
  name: 'markdown',
  extensions: ['md', 'markdown'],
  version: 1,
  parse(file) {
    const text = decodeText(file)
    const heading = /^#{1,6}[^\S\n]+(\S[^\n]{0,500})/m.exec(text)?.[1]
    const title = titleText(heading?.replace(/ #+ *$/, ''))
    return { text, format: 'markdown', metadata: { ...(title !== undefined && { title }), ...frontMatter(text) } }
  },
}
