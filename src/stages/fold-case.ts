/**
 * A text without what tells cases and spellings apart: capital and small letters, composed letters and those with marks
 * of their own in whatever order, ligatures and their parts become the same.
 *
 * Of a text that is cut only in front of characters that are no marks, the parts give what the whole does.
 *
 * @see https://www.unicode.org/versions/latest/core-spec/chapter-3/ (compatibility caseless matching)
 */
export function foldCase(text: string): string {
  const unit = text.charCodeAt(0)
  if (text.length === 1 && unit < 128) return unit >= 65 && unit <= 90 ? String.fromCharCode(unit + 32) : text
  // Small first, for the capital ẞ has no capital form of two letters.
  return text.normalize('NFKD').toLowerCase().toUpperCase().toLowerCase().normalize('NFD')
}

const wordCharacter = /^[\p{L}\p{N}\p{M}_]$/u

/** Whether the character is part of a word: a letter, a digit, a mark on one of them, or an underscore. */
export function isWordCharacter(character: string): boolean {
  const unit = character.charCodeAt(0)
  if (unit >= 128) return wordCharacter.test(character)
  return (unit >= 97 && unit <= 122) || (unit >= 65 && unit <= 90) || (unit >= 48 && unit <= 57) || unit === 95
}

const invisible = /^(?![\t-\r\x85])[\p{Default_Ignorable_Code_Point}\p{Cc}\ufff9-\ufffb]$/u

/**
 * Whether the character cannot be seen: soft hyphens, zero-width spaces and joiners, directions, variations, tags, and
 * control characters that are no white space.
 */
export function isInvisible(character: string): boolean {
  const unit = character.charCodeAt(0)
  return (unit < 32 || unit > 126) && invisible.test(character)
}
