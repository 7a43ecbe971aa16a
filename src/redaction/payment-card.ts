import { beginsNumber, endsNumber } from './boundaries.ts'
import { isIssued } from './card-issuers.ts'
import { isDigit } from './characters.ts'
import { more, none, type Recogniser } from './recogniser.ts'

const maxDigits = 19
/** Groups have three digits or more, only the last may have fewer. */
const minGroup = 3
const maxSeparators = Math.ceil(maxDigits / minGroup) - 1

/**
 * Numbers of payment cards: 12 … 19 digits in one, or in groups with the same separator (a space or a hyphen)
 * throughout, with an issuer's prefix, a length that this issuer has, and a check digit by Luhn.
 *
 * @see https://www.iso.org/standard/70484.html (ISO/IEC 7812-1, annex B: Luhn's formula)
 */
export const paymentCard: Recogniser = {
  kind: 'card',
  maxChars: maxDigits + maxSeparators,
  starts: isDigit,
  match(text, at, final) {
    if (!beginsNumber(text, at, '-.')) return none
    let digits = ''
    let separator = ''
    let best: number = none
    for (let place = at; ;) {
      let group = 0
      while (place < text.length && isDigit(text.charCodeAt(place)) && digits.length <= maxDigits) {
        digits += text.charAt(place)
        group += 1
        place += 1
      }
      if (group === 0 || digits.length > maxDigits) return best
      if (place >= text.length && !final) return more
      const ends = endsNumber(text, place, final, '-.')
      if (ends === more) return more
      if (ends === 1 && isIssued(digits) && passesLuhn(digits)) best = place
      const mark = text.charAt(place)
      if (group < minGroup || mark === '' || !separators.includes(mark)) return best
      if (separator === '') separator = mark
      else if (mark !== separator) return best
      place += 1
      if (place >= text.length) return final ? best : more
    }
  },
  normalise: (entity) => entity.replaceAll(/\D/g, ''),
}

const separators = ' -\u00a0\u202f'

function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let index = digits.length - 1, twice = false; index >= 0; index--, twice = !twice) {
    const digit = Number(digits.charAt(index)) * (twice ? 2 : 1)
    sum += digit > 9 ? digit - 9 : digit
  }
  return sum % 10 === 0
}
