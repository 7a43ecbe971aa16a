import { Buffer } from 'node:buffer'

const lineFeed = 0x0a
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** A line and its number, from 1; `text` is absent where it is not UTF-8. */
export interface TextLine {
  readonly number: number
  readonly text?: string
}

/** The lines of a file, without those that are blank. Bytes that are not UTF-8 are told and not replaced. */
export async function* textLines(input: AsyncIterable<Uint8Array>): AsyncGenerator<TextLine, void, undefined> {
  let number = 0
  let begun: Uint8Array[] = []
  for await (const chunk of input) {
    let start = 0
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      begun.push(chunk.subarray(start, end))
      start = end + 1
      const line = lineOf(begun, ++number)
      begun = []
      if (line !== undefined) yield line
    }
    begun.push(chunk.subarray(start))
  }
  const last = lineOf(begun, number + 1)
  if (last !== undefined) yield last
}

function lineOf(parts: readonly Uint8Array[], number: number): TextLine | undefined {
  let text: string
  try {
    text = utf8.decode(Buffer.concat(parts))
  } catch {
    return { number }
  }
  return text.trim() === '' ? undefined : { number, text }
}
