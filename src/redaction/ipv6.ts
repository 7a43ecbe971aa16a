import { isIPv6 } from 'node:net'
import { isDigit, isHexDigit, isWord } from './characters.ts'
import { more, none, type Recogniser } from './recogniser.ts'

/** `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`. */
const maxAddress = 45

const colon = 58
const dot = 46

/**
 * IPv6 addresses in every form of RFC 4291, but not what only reads like one: scopes (`a::b`), slices (`[1::2]`),
 * hardware addresses of eight pairs, and `::` alone. A zone (`%eth0`) and a prefix's length (`/64`) stay.
 */
export const ipv6: Recogniser = {
  kind: 'ip',
  maxChars: maxAddress,
  starts: (unit) => isHexDigit(unit) || unit === colon,
  match(text, at, final) {
    if (at > 0) {
      const before = text.charCodeAt(at - 1)
      if (before === colon || isWord(before)) return none
      if (before === dot && at > 1 && isDigit(text.charCodeAt(at - 2))) return none
    }
    let run = at
    let colons = 0
    for (; ; run++) {
      // One more may be a colon that belongs to the sentence.
      if (run > at + maxAddress + 1) return none
      if (run >= text.length) {
        if (!final) return more
        break
      }
      const unit = text.charCodeAt(run)
      if (unit === colon) colons += 1
      else if (!isHexDigit(unit) && unit !== dot) break
      // The first group has four digits at the most, so that a word is let go early.
      if (colons === 0 && run - at >= 4) return none
    }
    if (colons < 2 || (run < text.length && isWord(text.charCodeAt(run)))) return none
    const end = endOfAddress(text, at, run)
    return end === none || isLookAlike(text, at, end) ? none : end
  },
  normalise: (address) => address.toLowerCase(),
}

/** Without the full stop or the colon that the sentence puts behind it. */
function endOfAddress(text: string, at: number, run: number): number {
  for (let end = run; end > at && end > run - 3; end--) {
    if (end - at <= maxAddress && isIPv6(text.slice(at, end))) return end
    const last = text.charCodeAt(end - 1)
    if (last !== dot && last !== colon) return none
  }
  return none
}

function isLookAlike(text: string, at: number, end: number): boolean {
  const groups = text.slice(at, end).split(':')
  const filled = groups.filter((group) => group !== '')
  if (filled.length === 0) return true
  if (groups.length === 8 && filled.length === 8 && filled.every((group) => group.length === 2)) return true
  if (text.charAt(at - 1) === '[' && at > 1 && isIndexed(text.charCodeAt(at - 2))) return true
  if (filled.length >= 3) return false
  return !filled.some((group) => isDigit(group.charCodeAt(0)) || (group.length === 4 && /\d/.test(group)))
}

/** What stands before the bracket of an index: a name, a call, another index. */
function isIndexed(unit: number): boolean {
  return isWord(unit) || unit === closingParenthesis || unit === closingBracket
}

const closingParenthesis = 41
const closingBracket = 93
