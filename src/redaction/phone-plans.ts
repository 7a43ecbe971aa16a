/**
 * How telephone numbers are written. The texts are short (a number's longest form), so regular expressions may be
 * used; between groups there is a space, `-`, `.` or `/`.
 */

/** ITU-T's country codes and global services, as assigned. */
const callingCode =
  /^(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|2(?:1[12368]|[234]\d|5[0-8]|6\d|9[01789])|3(?:[57]\d|8[0-35-79])|42[013]|5[09]\d|6(?:7[02-9]|8[0-35-9]|9[0-2])|8(?:0[08]|5[02356]|7[08]|8[0-368])|9(?:6[0-8]|7[0-79]|9[2-68]))/

/** With `+`, or with the international prefix of Europe (00) or North America (011) set apart. */
export function isForeignNumber(number: string): boolean {
  const international = /^(?:\+|00[ .-]|011[ -]|00(?=[1-9]\d{1,2}[ .-]))(?<rest>\(?\d[\d ().\-/]*)$/.exec(number)
  const rest = international?.groups?.['rest']
  if (rest === undefined || /^\d+\.\d+$/.test(rest) || /[ ()./-]{3}/.test(rest)) return false
  const digits = rest.replace('(0)', '').replaceAll(/\D/g, '')
  if (digits.length < 8 || digits.length > 15) return false
  if (digits.startsWith('1')) return /^1[2-9]\d{2}[2-9]\d{6}$/.test(digits)
  return callingCode.test(digits)
}

/** Dates, decimal fractions, dotted quads, and pairs by the half dozen or of bytes, whatever is said before them. */
export function isNoPhoneNumber(number: string): boolean {
  return (
    /^\d{4}([-./ ])(?:0?[1-9]|1[0-2])\1(?:[0-2]?\d|3[01])(?!\d)/.test(number) ||
    /^[0-3]?\d([-./ ])[0-3]?\d\1(?:19|20)\d{2}(?!\d)/.test(number) ||
    /^\d+\.\d+$/.test(number) ||
    /^\d{1,3}(?:\.\d{1,3}){3}$/.test(number) ||
    /^\d\d(?:[ .-]\d\d){5}$/.test(number) ||
    /^0\d(?:[ .-]0\d){4}$/.test(number)
  )
}

/** 8 … 15 digits, or 7 in groups: enough where a word before says that it is a telephone number. */
export function isAnyNumber(number: string): boolean {
  return !/^\d{7}$/.test(number) && /^\(?\d(?:(?:[ ./-]|\)[ /-]?| ?\()?\d){6,14}$/.test(number)
}

/** The forms that say by themselves what they are. */
const nationalForms: readonly RegExp[] = [
  // North America: 555-123-4567, (555) 123-4567, 1.555.123.4567
  /^(?:1[ .-]?)?\([2-9]\d{2}\)[ -]?[2-9]\d{2}[ .-]?\d{4}$/,
  /^(?:1[.-])?[2-9]\d{2}([.-])[2-9]\d{2}\1\d{4}$/,
  /^(?:1 )?[2-9]\d{2}[ /][2-9]\d{2}-\d{4}$/,
  // An area code in parentheses: (030) 1234567, (11) 91234-5678, 8 (495) 123-45-67
  /^(?:8[ -]?)?\((?:0\d{1,5}|[1-9]\d{1,2})\)[ /-]?(?=(?:\D?\d){6,9}$)\d{2,9}(?:[ -]\d{2,5}){0,3}$/,
  // A trunk prefix 0, then groups: 0171 2345678, 03-1234-5678, 089/123456, 07700 900123
  /^0[1-9]\d{0,4}(?=(?:\D?\d){4,10}$)[ /-]\d{2,8}(?:[ -]\d{2,5}){0,3}$/,
  /^0[1-9]\d?(?:\.\d{2,4}){2,4}$/,
  // Mobile numbers of Russia, China and Brazil
  /^8[ -]9\d{2}[ -]\d{3}[ -]\d{2}[ -]\d{2}$/,
  /^1[3-9]\d-\d{4}-\d{4}$/,
  /^[1-9]{2} 9\d{4}-\d{4}$/,
  // Mobile numbers of the United Kingdom, France, Germany and Japan in one
  /^(?:07\d{9}|0[67]\d{8}|01[567]\d{8,9}|0[789]0\d{8})$/,
]

/** The forms that a row of numbers could have, too. */
const spacedForms: readonly RegExp[] = [
  /^(?:1 )?[2-9]\d{2} [2-9]\d{2} \d{4}$/,
  /^0[1-9](?: \d\d){4}$/,
  /^1[3-9]\d \d{4} \d{4}$/,
]

/** Whether other numbers stand beside a number, with nothing but a space between. */
export interface Neighbours {
  readonly before: boolean
  readonly behind: boolean
}

export function isNationalNumber(number: string, { before, behind }: Neighbours): boolean {
  if (before && /^[\d ]+$/.test(number)) return false
  if (spacedForms.some((form) => form.test(number))) return !behind
  const digits = number.replaceAll(/\D/g, '')
  if (digits.length < 8 || digits.length > 12 || (digits.startsWith('0') && digits.length < 9)) return false
  return nationalForms.some((form) => form.test(number)) && !isIsbn(number)
}

/** An ISBN of ten digits: the sum of the digits, weighted 10 … 1, is a multiple of 11. */
function isIsbn(number: string): boolean {
  if (!/^\d{10}$/.test(number)) return false
  let sum = 0
  for (let index = 0; index < 10; index++) sum += Number(number.charAt(index)) * (10 - index)
  return sum % 11 === 0
}
