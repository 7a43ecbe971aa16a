import { Buffer } from 'node:buffer'

/**
 * Bytes that one write of an answer holds at most, unless a single piece is longer. From here on a larger write saves
 * nothing that can be measured, while it would wait in memory, whole, for a client that does not read.
 */
export const writeBytes: number = 64 * 1024

/**
 * Joins the pieces of an answer, in their order, into texts of at most `writeBytes`; a piece is never cut, so that one
 * which is longer is a text by itself. Each text is made when it is asked for.
 *
 * @param separator Stands between pieces in one text.
 */
export function* joined(pieces: Iterable<string>, separator = ''): Generator<string, void, undefined> {
  let text = ''
  let bytes = 0
  for (const piece of pieces) {
    if (piece === '') continue
    const added = Buffer.byteLength(piece)
    if (text !== '' && bytes + separator.length + added > writeBytes) {
      yield text
      text = ''
      bytes = 0
    }
    bytes += text === '' ? added : separator.length + added
    text += text === '' ? piece : separator + piece
  }
  if (text !== '') yield text
}
