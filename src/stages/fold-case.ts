/**
 * A character without what tells its cases and spellings apart, in one or more characters.
 *
 * Capital and small letters, composed letters and those with marks of their own, ligatures and their parts become
 * the same. One character at a time, so that a text is folded alike wherever it is cut.
 */
export function foldCase(character: string): string {
  const unit = character.charCodeAt(0)
  if (unit < 128) return unit >= 65 && unit <= 90 ? String.fromCharCode(unit + 32) : character
  return character.normalize('NFKD').toUpperCase().toLowerCase().normalize('NFD')
}

const wordCharacter = /^[\p{L}\p{N}\p{M}_]$/u

/** Whether the character is part of a word: a letter, a digit, a mark on one of them, or an underscore. */
export function isWordCharacter(character: string): boolean {
  const unit = character.charCodeAt(0)
  if (unit >= 128) return wordCharacter.test(character)
  return (unit >= 97 && unit <= 122) || (unit >= 65 && unit <= 90) || (unit >= 48 && unit <= 57) || unit === 95
}
