/** The thread that reads PDFs, one at a time: whatever a file does to it, the process goes on. */
import { parentPort } from 'node:worker_threads'
import { getDocumentProxy } from 'unpdf'
import { pageParagraphs } from './pdf-paragraphs.ts'
import { MarkdownWriter } from './markdown-writer.ts'
import { titleText } from './title-text.ts'
import type { PdfAnswer, PdfQuestion } from './pdf-format.ts'

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>

parentPort?.on('message', (question: PdfQuestion) => {
  void read(question).then((answer) => parentPort?.postMessage(answer))
})

async function read({ bytes, maxPages, maxChars }: PdfQuestion): Promise<PdfAnswer> {
  try {
    const pdf = await getDocumentProxy(bytes, { verbosity: 0, stopAtErrors: false })
    try {
      if (pdf.numPages > maxPages) return { problem: `has ${pdf.numPages} pages, more than ${maxPages}` }
      return await textOf(pdf, maxChars)
    } finally {
      await pdf.loadingTask.destroy()
    }
  } catch (error) {
    const { name, message } = error as Error
    return { problem: problems[name] ?? `is a PDF that cannot be read: ${message}` }
  }
}

const problems: Readonly<Record<string, string>> = {
  PasswordException: 'is an encrypted PDF that asks for a password',
  InvalidPDFException: 'is no PDF, or a damaged one',
}

async function textOf(pdf: Pdf, maxChars: number): Promise<PdfAnswer> {
  const { info } = await pdf.getMetadata()
  const { Title, Author } = info as { readonly Title?: unknown; readonly Author?: unknown }
  const title = titleText(textual(Title))
  const author = titleText(textual(Author))
  const writer = new MarkdownWriter()
  if (title !== undefined) writer.heading(1, title)
  let chars = 0
  for (let number = 1; number <= pdf.numPages; number++) {
    const page = await pdf.getPage(number)
    const { items } = await page.getTextContent()
    page.cleanup()
    const paragraphs = pageParagraphs(items.filter((item) => 'str' in item))
    chars += paragraphs.reduce((sum, paragraph) => sum + paragraph.length, 0)
    if (chars > maxChars) return { problem: `has more than ${maxChars} characters of text` }
    if (paragraphs.length > 0) writer.heading(2, `Page ${number}`)
    for (const paragraph of paragraphs) writer.paragraph(paragraph)
  }
  if (chars === 0) return { problem: 'is a PDF without text: its pages may be images of a scan' }
  const metadata = {
    pages: pdf.numPages,
    ...(title !== undefined && { title }),
    ...(author !== undefined && { author }),
  }
  return { text: writer.end(), metadata }
}

function textual(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
