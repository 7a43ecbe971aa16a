import { countrySpecs, isValidIBAN } from 'ibantools'
import { isAlphanumeric, isDigit, isLetter, isWord } from './characters.ts'
import { more, none, type Recogniser } from './recogniser.ts'

/** ISO 13616 allows 34 characters; a space or a hyphen may stand between any two. */
const maxAddress = 34 + 33

/**
 * International bank account numbers of every country in the registry: its length, its structure, and check digits
 * by ISO 7064 (mod 97-10). In capitals or not, with single spaces or hyphens or without.
 *
 * @see https://www.swift.com/standards/data-standards/iban-international-bank-account-number
 */
export const iban: Recogniser = {
  kind: 'iban',
  maxChars: maxAddress,
  starts: isLetter,
  match(text, at, final) {
    let compact = ''
    let length = 4
    let place = at
    while (compact.length < length) {
      if (place >= text.length) return final ? none : more
      const unit = text.charCodeAt(place)
      if (isPart(unit, compact.length)) {
        compact += text.charAt(place)
        if (compact.length === 4) {
          length = countrySpecs[compact.slice(0, 2).toUpperCase()]?.chars ?? 0
        }
        place += 1
        continue
      }
      if (compact.length < 4 || !separators.includes(text.charAt(place))) return none
      if (place + 1 >= text.length) return final ? none : more
      if (!isAlphanumeric(text.charCodeAt(place + 1))) return none
      place += 1
    }
    if (length === 0) return none
    if (place >= text.length && !final) return more
    if (place < text.length && isWord(text.charCodeAt(place))) return none
    return isValidIBAN(compact.toUpperCase()) ? place : none
  },
  normalise: (entity) => entity.replaceAll(/[^a-z\d]/gi, '').toUpperCase(),
}

/** Two letters, two digits, then both. */
function isPart(unit: number, index: number): boolean {
  if (index < 2) return isLetter(unit)
  return index < 4 ? isDigit(unit) : isAlphanumeric(unit)
}

const separators = ' -\u00a0\u202f'
