import { Buffer } from 'node:buffer'

const lineFeed = 0x0a
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** More than the largest entry takes, 1 MiB, also with each of its characters escaped: six bytes for one. */
const longestLine = 8_388_608

/** A line and its number, from 1, or what is wrong with it. */
export type TextLine =
  | { readonly number: number; readonly text: string; readonly fault?: never }
  | { readonly number: number; readonly fault: string }

/**
 * The lines of a file, without those that are blank. Bytes that are not UTF-8 are told and not replaced, and a line that
 * is too long is told as soon as that is known, and passed over.
 *
 * @param maxBytes Of a line, without its end; no more than that and a chunk of the input is kept in memory.
 */
export async function* textLines(
  input: AsyncIterable<Uint8Array>,
  maxBytes: number = longestLine,
): AsyncGenerator<TextLine, void, undefined> {
  let number = 1
  let begun: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of input) {
    let start = 0
    while (start < chunk.length) {
      const end = chunk.indexOf(lineFeed, start)
      const part = chunk.subarray(start, end === -1 ? chunk.length : end)
      const wasTooLong = bytes > maxBytes
      bytes += part.length
      if (bytes <= maxBytes) begun.push(part)
      else begun = []
      if (bytes > maxBytes && !wasTooLong) yield { number, fault: `it must be at most ${maxBytes} bytes long` }
      if (end === -1) break
      const line = lineOf(begun, number)
      if (line !== undefined) yield line
      begun = []
      bytes = 0
      number += 1
      start = end + 1
    }
  }
  const last = lineOf(begun, number)
  if (last !== undefined) yield last
}

function lineOf(parts: readonly Uint8Array[], number: number): TextLine | undefined {
  let text: string
  try {
    text = utf8.decode(Buffer.concat(parts))
  } catch {
    return { number, fault: 'it must be UTF-8' }
  }
  return text.trim() === '' ? undefined : { number, text }
}
