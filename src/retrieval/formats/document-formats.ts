import { extname } from 'node:path'
import type { DocumentFormat } from './document-format.ts'
import { htmlFormat } from './html-format.ts'
import { markdownFormat } from './markdown-format.ts'
import { createPdfFormat } from './pdf-format.ts'
import { textFormat } from './text-format.ts'

/** The formats that documents are read in, while they are read. */
export interface DocumentFormats {
  /** The format of a file by the end of its name; none when it is no document. */
  of(path: string): DocumentFormat | undefined
  /** The endings of all of them, for messages: `.md, .markdown, …`. */
  readonly endings: string
  /** Lets go of what the formats hold. */
  close(): Promise<void>
}

/** All formats: Markdown, text, HTML and PDF. */
export function openDocumentFormats(): DocumentFormats {
  const pdf = createPdfFormat()
  const byExtension = new Map<string, DocumentFormat>()
  for (const format of [markdownFormat, textFormat, htmlFormat, pdf]) {
    for (const extension of format.extensions) byExtension.set(extension, format)
  }
  return {
    of: (path) => byExtension.get(extensionOf(path)),
    endings: [...byExtension.keys()]
      .map((extension) => `.${extension}`)
      .join(', ')
      .replace(/, (?=[^,]*$)/, ' or '),
    close: () => pdf.close(),
  }
}

/** What a name ends in, in lower case and without the dot. */
export function extensionOf(path: string): string {
  return extname(path).slice(1).toLowerCase()
}
