/** Prefixes of one length from the first to the last, and the lengths that numbers with them have. */
interface IssuerRange {
  readonly from: string
  readonly to: string
  readonly lengths: readonly number[]
}

const long = [16, 17, 18, 19]
const any = [12, 13, 14, 15, 16, 17, 18, 19]

/** The ranges that payment schemes issue cards from. */
const ranges: readonly IssuerRange[] = [
  { from: '4', to: '4', lengths: [13, 16, 19] }, // Visa
  { from: '51', to: '55', lengths: [16] }, // Mastercard
  { from: '2221', to: '2720', lengths: [16] }, // Mastercard
  { from: '34', to: '34', lengths: [15] }, // American Express
  { from: '37', to: '37', lengths: [15] }, // American Express
  { from: '300', to: '305', lengths: [14, ...long] }, // Diners Club
  { from: '3095', to: '3095', lengths: [14, ...long] }, // Diners Club
  { from: '36', to: '36', lengths: [14, ...long] }, // Diners Club
  { from: '38', to: '39', lengths: [14, ...long] }, // Diners Club
  { from: '3528', to: '3589', lengths: long }, // JCB
  { from: '6011', to: '6011', lengths: long }, // Discover
  { from: '644', to: '649', lengths: long }, // Discover
  { from: '65', to: '65', lengths: long }, // Discover, RuPay, Troy
  { from: '60', to: '60', lengths: [16] }, // RuPay, Hipercard
  { from: '62', to: '62', lengths: long }, // UnionPay
  { from: '81', to: '82', lengths: long }, // UnionPay, RuPay
  { from: '2200', to: '2204', lengths: long }, // Mir
  { from: '9792', to: '9792', lengths: [16] }, // Troy
  { from: '50', to: '50', lengths: any }, // Maestro, Dankort, Verve, Elo
  { from: '56', to: '58', lengths: any }, // Maestro
  { from: '6304', to: '6304', lengths: any }, // Maestro
  { from: '6390', to: '6390', lengths: any }, // Maestro
  { from: '67', to: '67', lengths: any }, // Maestro
]

/** Whether a number of this length is issued with these first digits. */
export function isIssued(digits: string): boolean {
  return ranges.some(({ from, to, lengths }) => {
    const prefix = digits.slice(0, from.length)
    return prefix >= from && prefix <= to && lengths.includes(digits.length)
  })
}
