import { isAlphanumeric, isDigit, isForeignLetter, isLetter, isUnspaced, isWord } from './characters.ts'
import { more, none, type Recogniser } from './recogniser.ts'

/** RFC 5321, 4.5.3.1: of an address, of what is before the `@`, and of a label of the domain. */
const maxAddress = 254
const maxLocal = 64
const maxLabel = 63

/**
 * E-mail addresses as people write them: RFC 5322's dot-atoms without the signs that texts put around addresses,
 * quoted local parts without white space, letters of any script, and a domain with a top-level domain of letters.
 */
export const email: Recogniser = {
  kind: 'email',
  maxChars: maxAddress,
  starts: (unit) => isWord(unit) || unit === quote,
  match(text, at, final) {
    const local = text.charCodeAt(at) === quote ? endOfQuoted(text, at, final) : endOfLocal(text, at, final)
    if (local === none || local === more) return local
    const end = endOfDomain(text, local + 1, at + maxAddress, final)
    if (end === none || end === more) return end
    return isLookAlike(text, at, local, end) ? none : end
  },
  normalise: (address) => address.toLowerCase(),
}

const quote = 34
const at = 64
const dot = 46
const hyphen = 45
const plus = 43
const percent = 37
const apostrophe = 39

/** The place of the `@`. */
function endOfLocal(text: string, start: number, final: boolean): number {
  const limit = start + maxLocal
  for (let place = start; ; place++) {
    if (place >= text.length) return final ? none : more
    const unit = text.charCodeAt(place)
    if (unit === at) return text.charCodeAt(place - 1) === dot ? none : place
    if (place >= limit || !isLocal(unit)) return none
    if (unit === dot && text.charCodeAt(place - 1) === dot) return none
  }
}

function isLocal(unit: number): boolean {
  return isWord(unit) || unit === dot || unit === hyphen || unit === plus || unit === percent || unit === apostrophe
}

/** As `endOfLocal`, of `"john..doe"@`. */
function endOfQuoted(text: string, start: number, final: boolean): number {
  const limit = start + maxLocal
  for (let place = start + 1; ; place++) {
    if (place >= text.length) return final ? none : more
    const unit = text.charCodeAt(place)
    if (place >= limit || unit <= 32 || unit === at || unit >= 127) return none
    if (unit !== quote) continue
    if (place === start + 1) return none
    if (place + 1 >= text.length) return final ? none : more
    return text.charCodeAt(place + 1) === at ? place + 1 : none
  }
}

/** The end of the longest domain that has a top-level domain and stays within `limit`. */
function endOfDomain(text: string, start: number, limit: number, final: boolean): number {
  let best: number = none
  for (let label = start; ;) {
    const end = endOfLabel(text, label, Math.min(limit, label + maxLabel), final)
    if (end === more) return more
    if (end === none || end === label) return best
    const top = label === start ? none : endOfTop(text, label, end)
    if (top !== none) best = top
    if (end >= text.length) return final ? best : more
    if (text.charCodeAt(end) !== dot || end + 1 >= limit) return best
    label = end + 1
  }
}

/**
 * Behind letters, digits and hyphens, or `none` where that is behind `limit`. A label in a script without spaces
 * goes on in it only if it began in it.
 */
function endOfLabel(text: string, start: number, limit: number, final: boolean): number {
  if (start >= text.length) return final ? start : more
  const first = text.charCodeAt(start)
  if (first === hyphen) return start
  const unspaced = isUnspaced(first)
  for (let place = start; ; place++) {
    if (place > limit) return none
    if (place >= text.length) return final ? place : more
    const unit = text.charCodeAt(place)
    const belongs =
      isAlphanumeric(unit) || unit === hyphen || (isForeignLetter(unit) && (unspaced || !isUnspaced(unit)))
    if (!belongs) return place
  }
}

/** Where the label, or what stands before its first hyphen, can be a top-level domain: two letters or more. */
function endOfTop(text: string, start: number, end: number): number {
  if (text.startsWith('xn--', start)) {
    let last = end
    while (text.charCodeAt(last - 1) === hyphen) last -= 1
    return last - start > 4 ? last : none
  }
  let place = start
  while (place < end && (isLetter(text.charCodeAt(place)) || isForeignLetter(text.charCodeAt(place)))) place += 1
  return place - start >= 2 && (place === end || text.charCodeAt(place) === hyphen) ? place : none
}

/** Package versions (`react@18.2.beta`), images for dense screens (`icon@2x.png`) and remotes of git. */
function isLookAlike(text: string, start: number, local: number, end: number): boolean {
  const labels = text.slice(local + 1, end).split('.')
  const [first = '', second = ''] = labels
  if (isDigit(first.charCodeAt(0)) && isDigit(second.charCodeAt(0))) return true
  if (labels.length === 2 && densities.has(first)) return true
  return text.slice(start, local) === 'git' && text.charAt(end) === ':'
}

const densities: ReadonlySet<string> = new Set(['1x', '2x', '3x', '4x'])
