import { isAlphanumeric, isDigit, isWord } from './characters.ts'
import { more } from './recogniser.ts'

/** Whether a word can begin at `at`: two units of one word are not torn apart. */
export function beginsWord(text: string, at: number): boolean {
  return at === 0 || !isWord(text.charCodeAt(at)) || !isWord(text.charCodeAt(at - 1))
}

/**
 * Whether a number stands free to its left: not behind a word, nor behind one of `tight` that joins it to what
 * stands before it, as in `SKU-1234`, `/path/1234` or `3.1415`.
 */
export function beginsNumber(text: string, at: number, tight: string): boolean {
  if (at === 0) return true
  if (isWord(text.charCodeAt(at - 1))) return false
  const mark = text.charAt(at - 1)
  if (at === 1 || !tight.includes(mark)) return true
  const before = text.charCodeAt(at - 2)
  return !(mark === '-' || mark === '/' ? isWord(before) : isDigit(before))
}

/**
 * Whether a number can end at `end`: 1, 0, or `more`. It cannot before a word, nor before one of `tight` that is
 * followed by a digit (after `-` also by a letter), because then it goes on, as in `1234-A` or `12.50`.
 */
export function endsNumber(text: string, end: number, final: boolean, tight: string): 1 | 0 | typeof more {
  if (end >= text.length) return final ? 1 : more
  const unit = text.charCodeAt(end)
  if (isWord(unit)) return 0
  const mark = text.charAt(end)
  if (!tight.includes(mark)) return 1
  if (end + 1 >= text.length) return final ? 1 : more
  const next = text.charCodeAt(end + 1)
  return (mark === '-' ? isAlphanumeric(next) : isDigit(next)) ? 0 : 1
}
