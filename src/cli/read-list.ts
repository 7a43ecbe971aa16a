import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { fileFault } from '../retrieval/file-fault.ts'

/** An entry of a list, and the number of its line, from 1. */
export interface ListEntry {
  readonly text: string
  readonly line: number
}

/**
 * Reads a file with one entry in a line, in UTF-8.
 *
 * White space around an entry is none of it. Blank lines and those that begin with `#` are left out; an entry that
 * begins with `#` itself is written with a backslash before that, which stays.
 *
 * @param file What errors call it, e.g. `--filter-words "words.txt"`.
 * @param what What an entry is, e.g. `word`.
 * @throws Error saying what is wrong with the file.
 */
export async function readList(file: string, path: string, what: string): Promise<readonly ListEntry[]> {
  const bytes = await bytesOf(file, path)
  const fault = faultIn(bytes)
  if (fault !== undefined) {
    const line = bytes.subarray(0, fault).toString().split('\n').length
    const byte = (bytes[fault] ?? 0).toString(16).toUpperCase().padStart(2, '0')
    throw new Error(`${file} must be text in UTF-8, got the byte 0x${byte} at offset ${fault}, in line ${line}`)
  }
  const entries = bytes
    .toString()
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((text, index) => ({ text: text.trim(), line: index + 1 }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'))
  if (entries.length > 0) return entries
  throw new Error(
    `${file} must hold at least one ${what}, one in a line; blank lines and those that begin with # do not count`,
  )
}

async function bytesOf(file: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new Error(`${file}: ${fileFault(error)}`, { cause: error })
  }
}

/** The offset of the first character that is not in UTF-8. */
function faultIn(bytes: Buffer): number | undefined {
  if (isUtf8(bytes)) return undefined
  for (let at = 0; ;) {
    const first = bytes[at] ?? 0
    const end = at + (first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4)
    if (!isUtf8(bytes.subarray(at, end))) return at
    at = end
  }
}
