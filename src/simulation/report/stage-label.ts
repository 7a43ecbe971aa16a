import { printable } from '../../printable.ts'

const wide = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u
const combining = /\p{M}/u

/** A stage's name as it is shown: without what a terminal would obey or XML forbids, and at most `width` wide. */
export function stageLabel(name: string, width: number = Infinity): string {
  const text = printable(name)
  if (widthOf(text) <= width) return text
  let label = ''
  for (const character of text) {
    if (widthOf(label + character) >= width) break
    label += character
  }
  return `${label}…`
}

/** How wide a text is, in columns of a terminal: what is Chinese, Japanese or Korean takes two a character. */
export function widthOf(text: string): number {
  return Array.from(text).reduce((sum, each) => sum + (combining.test(each) ? 0 : wide.test(each) ? 2 : 1), 0)
}
