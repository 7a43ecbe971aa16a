/** How much text before an entity is looked at, in UTF-16 code units. */
export const lookBehind = 32

/**
 * The words before `at` in its line, in lower case, the nearest first: what the text says of a number that could be
 * anything. A word that reaches to the edge of what is looked at may be cut, and is left out.
 */
export function wordsBefore(text: string, at: number): readonly string[] {
  const from = Math.max(0, at - lookBehind)
  const before = text.slice(from, at)
  const line = before.slice(before.lastIndexOf('\n') + 1)
  const words = line.toLowerCase().match(wordPattern) ?? []
  const cut = line.length === lookBehind && isPartOfWord.test(line.charAt(0))
  return (cut ? words.slice(1) : words).reverse()
}

const wordPattern = /[\p{L}\p{M}]+|[#§№☎]/gu
const isPartOfWord = /[\p{L}\p{M}]/u
