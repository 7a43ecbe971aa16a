import { isDigit, isWord } from './characters.ts'
import { more, none, type Recogniser } from './recogniser.ts'

/**
 * Finds a text that is to stay, as if it were an entity: what is found within it is then not looked for.
 *
 * It must end where no entity can go on from it, so that it never hides one that begins in it: not before a word,
 * nor before a sign that joins it to one (`@`, `.`, `-`, …) or is followed by a digit.
 */
export function keptText(text: string): Recogniser {
  const first = text.charCodeAt(0)
  return {
    kind: 'kept',
    maxChars: text.length,
    starts: (unit) => unit === first,
    match(around, at, final) {
      const end = at + text.length
      if (!text.startsWith(around.slice(at, end))) return none
      if (end + 1 >= around.length && !final) return more
      if (end > around.length) return none
      return goesOn(around, end) ? none : end
    },
  }
}

function goesOn(text: string, end: number): boolean {
  if (end === text.length) return false
  return isWord(text.charCodeAt(end)) || joining.includes(text.charAt(end)) || isDigit(text.charCodeAt(end + 1))
}

const joining = '@.+-%'
