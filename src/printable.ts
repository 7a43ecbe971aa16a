/** A name that comes from outside, without what a terminal would obey. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, '\ufffd')
}
