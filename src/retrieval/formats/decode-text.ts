import { RetrievalError } from '../retrieval-error.ts'
import type { FileContent } from './document-format.ts'

/** More characters than one in so many that are no characters: it is no text, or one in an encoding nobody named. */
const tolerated = 10

/** Enough to tell text from other things. */
const sampleChars = 65_536

/**
 * The text of a file, with line feeds at the ends of its lines: UTF-8, or UTF-16 where a byte order mark says so. A few
 * bytes that are not UTF-8 become U+FFFD, with a warning.
 *
 * @param encoding What the file itself says it is written in; default UTF-8.
 * @throws RetrievalError when it is no text.
 */
export function decodeText(
  { path, bytes, warn }: Pick<FileContent, 'path' | 'bytes' | 'warn'>,
  encoding = 'utf-8',
): string {
  const marked = markedEncoding(bytes)
  const used = marked ?? encoding
  const text = new TextDecoder(used).decode(bytes)
  const sample = text.slice(0, sampleChars)
  if (text.includes('\0')) throw new RetrievalError(path, 'is binary, not text: it has NUL bytes')
  const invalid = count(sample, /\ufffd/g)
  if (invalid * tolerated > sample.length || count(sample, controls) * tolerated > sample.length) {
    throw new RetrievalError(path, `is not text in ${nameOf(used)}; save it as UTF-8`)
  }
  if (text.includes('\ufffd')) warn(`document is not valid ${nameOf(used)}: its invalid bytes are replaced`)
  return text.replace(/\r\n?/g, '\n')
}

// eslint-disable-next-line no-control-regex -- control characters are what it counts; tab, line ends, form feed and escape occur in texts
const controls = /[\x01-\x08\x0b\x0e-\x1a\x1c-\x1f]/g

function markedEncoding(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  return first === 0xef && second === 0xbb && bytes[2] === 0xbf ? 'utf-8' : undefined
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}

function nameOf(encoding: string): string {
  return encoding.toUpperCase()
}
