import { beginsNumber, endsNumber } from './boundaries.ts'
import { isDigit } from './characters.ts'
import { more, none, type Recogniser } from './recogniser.ts'
import { wordsBefore } from './words-before.ts'

/**
 * Social Security numbers of the United States: area, group and serial number with hyphens between them, or with
 * spaces or nothing where the text before says what it is. Areas 000, 666 and 900 … 999, group 00 and serial
 * number 0000 were never given out.
 *
 * @see https://www.ssa.gov/employer/randomization.html
 */
export const usSsn: Recogniser = {
  kind: 'ssn',
  maxChars: 11,
  starts: isDigit,
  match(text, at, final) {
    if (!beginsNumber(text, at, '-.')) return none
    const digits: string[] = []
    let place = at
    let separator = ''
    for (const length of [3, 2, 4]) {
      if (length !== 3) {
        if (place >= text.length) return final ? none : more
        const mark = text.charAt(place)
        const found = mark === '-' || mark === ' ' ? mark : ''
        if (length === 2) separator = found
        else if (found !== separator) return none
        place += found.length
      }
      for (let count = 0; count < length; count++, place++) {
        if (place >= text.length) return final ? none : more
        if (!isDigit(text.charCodeAt(place))) return none
      }
      digits.push(text.slice(place - length, place))
    }
    const ends = endsNumber(text, place, final, '-.')
    if (ends !== 1) return ends === more ? more : none
    if (!wasGivenOut(digits)) return none
    const words = wordsBefore(text, at)
    if (separator === '-') return otherNumbers.has(words[0] ?? '') ? none : place
    return words.some((word) => names.has(word)) ? place : none
  },
  normalise: (entity) => entity.replaceAll(/\D/g, ''),
}

function wasGivenOut([area = '', group = '', serial = '']: readonly string[]): boolean {
  return area !== '000' && area !== '666' && area < '900' && group !== '00' && serial !== '0000'
}

const names: ReadonlySet<string> = new Set(['ssn', 'ssns', 'social', 'security', 'tin', 'taxpayer'])
const otherNumbers: ReadonlySet<string> = new Set(['#', 'part', 'order', 'sku', 'serial', 'model', 'invoice', 'case'])
