/** What kinds of UTF-16 code units there are, as far as recognisers ask. */

export function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57
}

/** ASCII letters only. */
export function isLetter(unit: number): boolean {
  return (unit >= 97 && unit <= 122) || (unit >= 65 && unit <= 90)
}

export function isAlphanumeric(unit: number): boolean {
  return isDigit(unit) || isLetter(unit)
}

export function isHexDigit(unit: number): boolean {
  return isDigit(unit) || (unit >= 97 && unit <= 102) || (unit >= 65 && unit <= 70)
}

/**
 * Whether it can be part of a word in a script that puts spaces between words: letters, digits, `_`. A Chinese,
 * Japanese or Thai letter is none: it may stand beside a number or an address that has nothing to do with it.
 */
export function isWord(unit: number): boolean {
  if (unit < 128) return isAlphanumeric(unit) || unit === underscore
  return isForeignLetter(unit) && !isUnspaced(unit)
}

/** A letter, mark or digit beyond ASCII, of any script in the basic plane. */
export function isForeignLetter(unit: number): boolean {
  if (unit < 128) return false
  const known = foreign[unit]
  if (known !== unknown) return known === letter
  const belongs = /[\p{L}\p{M}\p{N}]/u.test(String.fromCharCode(unit))
  foreign[unit] = belongs ? letter : sign
  return belongs
}

/** What has been asked before: ten times as fast as asking the regular expression again. */
const foreign = new Uint8Array(0x10000)
const unknown = 0
const letter = 1
const sign = 2

/** Of a script that puts no spaces between words: South-East Asian, or Chinese, Japanese and their full-width forms. */
export function isUnspaced(unit: number): boolean {
  return (
    (unit >= 0x0e00 && unit <= 0x0eff) ||
    (unit >= 0x1000 && unit <= 0x109f) ||
    (unit >= 0x1780 && unit <= 0x17ff) ||
    (unit >= 0x2e80 && unit <= 0xa4cf) ||
    (unit >= 0xf900 && unit <= 0xfaff) ||
    (unit >= 0xff00 && unit <= 0xffef)
  )
}

const underscore = 95
