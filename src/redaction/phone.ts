import { beginsNumber, endsNumber } from './boundaries.ts'
import { isDigit } from './characters.ts'
import { isCalledPhone } from './phone-words.ts'
import { isAnyNumber, isForeignNumber, isNationalNumber, isNoPhoneNumber, type Neighbours } from './phone-plans.ts'
import { paymentCard } from './payment-card.ts'
import { more, none, type Recogniser } from './recogniser.ts'
import { wordsBefore } from './words-before.ts'

/** E.164 allows 15 digits; what stands between them seldom makes more of it than this. */
const maxNumber = 32
const maxDigits = 15
const minDigits = 7

const plus = 43
const openingParenthesis = 40

/**
 * Telephone numbers: international ones by their calling code and length, national ones by how the countries'
 * numbers are written, and others of 7 … 15 digits where a word before says what they are (`tel. 12345678`).
 *
 * @see https://www.itu.int/rec/T-REC-E.164, https://www.itu.int/rec/T-REC-E.123
 */
export const phone: Recogniser = {
  kind: 'phone',
  maxChars: maxNumber,
  starts: (unit) => isDigit(unit) || unit === plus || unit === openingParenthesis,
  match(text, at, final) {
    if (!beginsNumber(text, at, '-.:/,')) return none
    const run = endOfRun(text, at)
    // At its longest the run may be cut: whether a row of numbers goes on is seen one unit behind.
    const seen = run - at === maxNumber ? run + 1 : run
    if (seen >= text.length && !final) return more
    let called: { readonly phone: boolean | undefined } | undefined
    for (const end of endsOfGroups(text, at, run)) {
      const ends = endsNumber(text, end, final, '-.:/')
      if (ends === more) return more
      if (ends === 0) {
        if (text.charAt(end) !== 'x') continue
        // An extension: 555-123-4567x12
        if (end + 1 >= text.length && !final) return more
        if (!isDigit(text.charCodeAt(end + 1))) continue
      }
      called ??= { phone: isCalledPhone(wordsBefore(text, at)) }
      if (!isPhoneNumber(text, at, end, called.phone)) continue
      const card = cardInto(text, at, end, final)
      if (card === more) return more
      if (card === none) return end
    }
    return none
  },
  normalise: (entity) =>
    entity
      .replace(/^(?:00|011(?=[ -]))/, '+')
      .replace('(0)', '')
      .replaceAll(/[^+\d]/g, ''),
}

/** The end of the digits and of what is written between them. */
function endOfRun(text: string, at: number): number {
  let digits = 0
  let open = false
  for (let place = at; ; place++) {
    if (place >= text.length || place - at >= maxNumber) return place
    const unit = text.charCodeAt(place)
    if (isDigit(unit)) {
      if (++digits > maxDigits) return place
    } else if (unit === plus) {
      if (place > at) return place
    } else if (unit === openingParenthesis) {
      if (open) return place
      open = true
    } else {
      const mark = text.charAt(place)
      if (mark === ')') {
        if (!open) return place
        open = false
      } else if (!separators.includes(mark)) return place
    }
  }
}

const separators = ' -./\u00a0\u202f\u2009\u2010\u2011\u2013'

/** Where a number may end, the last first: behind 7 digits or more, in groups of about two or more. */
function endsOfGroups(text: string, at: number, run: number): readonly number[] {
  const ends: number[] = []
  let digits = 0
  let groups = 0
  for (let place = at; place < run; place++) {
    if (!isDigit(text.charCodeAt(place))) continue
    digits += 1
    if (isDigit(text.charCodeAt(place + 1))) continue
    groups += 1
    if (digits >= minDigits && digits >= 2 * groups - 1) ends.push(place + 1)
  }
  return ends.reverse()
}

/** @param called What the words before say of it. */
function isPhoneNumber(text: string, at: number, end: number, called: boolean | undefined): boolean {
  const number = text
    .slice(at, end)
    .replaceAll(/[\u00a0\u202f\u2009]/g, ' ')
    .replaceAll(/[\u2010\u2011\u2013]/g, '-')
    .replaceAll(/ ([-/]) /g, '$1')
  const beside = neighbours(text, at, end)
  // In a row of numbers 00 and 011 are a group like others.
  if (isForeignNumber(number) && (number.startsWith('+') || !beside.before)) return true
  if (isNoPhoneNumber(number)) return false
  if (called === true) return isAnyNumber(number)
  if (called === false || (at > 0 && signsBefore.includes(text.charAt(at - 1)))) return false
  return isNationalNumber(number, beside)
}

/** Whether a payment card begins within the number and goes on behind it: then the number ends before the card. */
function cardInto(text: string, at: number, end: number, final: boolean): number {
  for (let place = at + 1; place < end; place++) {
    if (!isDigit(text.charCodeAt(place)) || isDigit(text.charCodeAt(place - 1))) continue
    const card = paymentCard.match(text, place, final)
    if (card === more || (card !== none && card > end)) return card
  }
  return none
}

/** Where other numbers stand beside it, with nothing but a space between. */
function neighbours(text: string, at: number, end: number): Neighbours {
  return {
    before: text.charAt(at - 1) === ' ' && isDigit(text.charCodeAt(at - 2)),
    behind: text.charAt(end) === ' ' && isDigit(text.charCodeAt(end + 1)),
  }
}

const signsBefore = '#$€£¥§=&'
