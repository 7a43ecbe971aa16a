const longestTitle = 200

/** A title on one line, cut where it is too long to be one; none where it has no word. */
export function titleText(text: string | undefined): string | undefined {
  const line = text
    ?.slice(0, 4 * longestTitle)
    .replace(/\s+/g, ' ')
    .trim()
  if (line === undefined || !/[\p{L}\p{N}]/u.test(line)) return undefined
  // A pair that would be halved is left out whole.
  return line.length <= longestTitle ? line : `${line.slice(0, longestTitle - 1).replace(/[\ud800-\udbff]$/, '')}…`
}
