import type { Worker } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../../../operators/index.ts'
import type { ParsedFile } from '../../../../src/retrieval/formats/document-format.ts'
import { createPdfFormat, type PdfFormat } from '../../../../src/retrieval/formats/pdf-format.ts'
import { VirtualClock } from '../../../../src/testing/index.ts'
import { encryptedPdf, pdfOf } from '../../../fixtures/pdf.ts'

const mortalThread = new URL('../../../fixtures/mortal-pdf-thread.ts', import.meta.url)
let format: PdfFormat
afterEach(() => format.close())

async function parse(
  bytes: Uint8Array,
  options: { clock?: VirtualClock; signal?: AbortSignal } = {},
): Promise<ParsedFile> {
  const { clock = systemClock, signal } = options
  return format.parse({ path: 'a.pdf', bytes, clock, signal, warn: () => undefined })
}

/** The thread that is started next. */
const nextThread = (): Promise<Worker> => new Promise((resolve) => process.once('worker', resolve))

test('pages are headings, with what the file says of itself', async () => {
  format = createPdfFormat()
  const bytes = pdfOf([['A dam holds wa-', 'ter back.'], ['# The second (page)']], '/Title (Dams) /Author (Ann)')
  expect(await parse(bytes)).toEqual({
    text: '# Dams\n\n## Page 1\n\nA dam holds water back.\n\n## Page 2\n\n\\# The second (page)',
    format: 'markdown',
    metadata: { pages: 2, title: 'Dams', author: 'Ann' },
  })
})

test('one thread reads them all, also after a bad one, and is gone afterwards', async () => {
  format = createPdfFormat()
  const threads = { started: 0, ended: 0 }
  const count = (thread: Worker): void => {
    threads.started += 1
    thread.once('exit', () => (threads.ended += 1))
  }
  process.on('worker', count)
  for (let at = 0; at < 5; at++) {
    await expect(parse(encryptedPdf())).rejects.toThrow('a.pdf: is an encrypted PDF that asks for a password')
    expect((await parse(pdfOf([[`text ${at}`]]))).text).toContain(`text ${at}`)
  }
  expect(threads).toEqual({ started: 1, ended: 0 })
  await format.close()
  expect(threads).toEqual({ started: 1, ended: 1 })
  process.off('worker', count)
})

test('one that takes too long is given up, and the next one is read', async () => {
  format = createPdfFormat(1_000)
  const clock = new VirtualClock()
  const slow = parse(pdfOf([['slow']]), { clock })
  const failed = expect(slow).rejects.toThrow('a.pdf: is a PDF that takes more than 1000 ms to read')
  await clock.advance(1_000)
  await failed
  expect((await parse(pdfOf([['next']]))).text).toContain('next')
})

test('an aborted signal ends it with its reason', async () => {
  format = createPdfFormat()
  const controller = new AbortController()
  const reading = parse(pdfOf([['slow']]), { signal: controller.signal })
  controller.abort(new Error('enough'))
  await expect(reading).rejects.toThrow('enough')
  await expect(parse(pdfOf([['a']]), { signal: controller.signal })).rejects.toThrow('enough')
})

test.each(['reject', 'leave'])(
  'a thread that fails after its answer (%s) ends nothing, and the next one is read',
  async (order) => {
    format = createPdfFormat(60_000, mortalThread)
    const started = nextThread()
    expect((await parse(Buffer.from('first'))).text).toBe('first')
    const thread = await started
    const ended = new Promise((resolve) => thread.once('exit', resolve))
    // Behind the format's back, so that nobody waits for an answer.
    thread.postMessage({ bytes: Buffer.from(order) })
    await ended
    expect((await parse(Buffer.from('next'))).text).toBe('next')
  },
)

test('a thread that ends before its answer is an error, and the next one is read', async () => {
  format = createPdfFormat(60_000, mortalThread)
  await expect(parse(Buffer.from('die'))).rejects.toThrow(
    'a.pdf: is a PDF that cannot be read: the thread that read it has ended',
  )
  expect((await parse(Buffer.from('next'))).text).toBe('next')
})
