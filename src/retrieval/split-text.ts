/** A part of a text: from `start` up to, not including, `end`, in UTF-16 units. */
export interface TextRange {
  readonly start: number
  readonly end: number
}

/** How a text is split. */
export interface SplitOptions {
  /** The longest piece. */
  readonly maxChars: number
  /** How much of a piece's end the next one repeats, at the most. */
  readonly overlapChars: number
  /** Whether lines are units of meaning, as in code and tables; otherwise sentences are. */
  readonly byLine: boolean
}

/**
 * Splits a range of a text that is too long for one piece: after a sentence (or a line) in the second half
 * of the room, else after a word, and through a word only where the word itself is too long. A surrogate
 * pair always stays whole. The pieces cover the range; each but the first may repeat the end of the one
 * before it, from the start of a word.
 */
export function splitText(text: string, range: TextRange, options: SplitOptions): readonly TextRange[] {
  const { maxChars, overlapChars, byLine } = options
  const pieces: TextRange[] = []
  let start = range.start
  let covered = range.start
  while (range.end - start > maxChars) {
    let cut = findCut(text, start, start + maxChars, covered, byLine)
    if (cut === undefined && start < covered) {
      // The repeated text leaves no room for the next word.
      start = covered
      continue
    }
    cut ??= beforeHalfPair(text, start + maxChars)
    pieces.push({ start, end: cut })
    covered = cut
    start = overlapStart(text, start, cut, overlapChars, byLine)
  }
  pieces.push({ start, end: range.end })
  return pieces
}

/** The best place to cut in (floor, limit], or none when there is no space between words. */
function findCut(text: string, start: number, limit: number, floor: number, byLine: boolean): number | undefined {
  const half = Math.max(floor, start + (limit - start) / 2)
  for (let at = limit; at > half; at--) {
    if (byLine ? text[at - 1] === '\n' : endsSentence(text, at)) return at
  }
  for (let at = limit; at > floor; at--) {
    if (isSpace(text, at - 1)) return at
  }
  return undefined
}

/** Whether a sentence ends just before `at`, which is behind the space that follows the sentence. */
function endsSentence(text: string, at: number): boolean {
  if ('。！？'.includes(text.charAt(at - 1))) return true
  if (!isSpace(text, at - 1)) return false
  let last = at - 2
  while (last >= 0 && '"\'”’)]'.includes(text.charAt(last))) last--
  return last >= 0 && '.!?…'.includes(text.charAt(last))
}

/** Where the next piece begins: at the first word (or line) of the last `overlapChars`, or at the cut. */
function overlapStart(text: string, start: number, cut: number, overlapChars: number, byLine: boolean): number {
  for (let at = Math.max(start + 1, cut - overlapChars); at < cut; at++) {
    if (byLine ? text[at - 1] === '\n' : isSpace(text, at - 1)) return at
  }
  return cut
}

function isSpace(text: string, at: number): boolean {
  return /\s/.test(text.charAt(at))
}

/** `at`, or one less where it lies between the halves of a surrogate pair. */
function beforeHalfPair(text: string, at: number): number {
  const before = text.charCodeAt(at - 1)
  const after = text.charCodeAt(at)
  const inPair = before >= 0xd800 && before <= 0xdbff && after >= 0xdc00 && after <= 0xdfff
  return inPair ? at - 1 : at
}
