import type { ChunkLimits } from './chunk-limits.ts'
import type { Steps } from './steps.ts'

/** A part of a text: from `start` up to, not including, `end`, in UTF-16 units. */
export interface TextRange {
  readonly start: number
  readonly end: number
}

/** A part of a text and its tokens, counted by themselves. */
export interface CountedRange extends TextRange {
  readonly tokens: number
}

/**
 * A word with the blanks behind it, or a part of a text without spaces up to a full-width stop or comma. Many blanks
 * are parts of their own.
 */
const parts = /[^\s、。，！？；：]*(?:[、。，！？；：]+\s{0,16}|\s{1,16}|$)/g

/**
 * Splits a range of a text that is too long for one piece: after a sentence (or, `byLine`, a line) in the second half
 * of the room, else after a word, and through a word only where the word itself is too long. A surrogate pair always
 * stays whole. The pieces cover the range; each but the first may repeat the end of the one before it, from the start
 * of a word (or line).
 *
 * Every word is counted once, and then each piece; time grows with the length of the range.
 */
export function* splitText(
  text: string,
  range: TextRange,
  limits: ChunkLimits,
  byLine: boolean,
): Steps<readonly CountedRange[]> {
  const words = yield* wordsOf(text, range, limits)
  const pieces: CountedRange[] = []
  let first = 0
  let covered = 0
  while (covered < words.length) {
    let stop = roomFrom(words, first, limits.maxTokens)
    if (stop < words.length) stop = bestCut(text, words, first, Math.max(covered, first), stop, byLine)
    let piece = countedPiece(text, words, first, stop, limits)
    // Two words may have more tokens together than each by itself.
    while (piece.tokens > limits.maxTokens && stop - 1 > Math.max(covered, first)) {
      stop -= 1
      piece = countedPiece(text, words, first, stop, limits)
    }
    const isFitting = stop > covered && piece.tokens <= limits.maxTokens
    if (!isFitting && first < covered) {
      // The repeated text leaves no room for the next word.
      first = covered
      continue
    }
    pieces.push(piece)
    covered = stop
    first = overlapStart(text, words, first, stop, limits, byLine)
    yield
  }
  return pieces
}

/** The words of a range, each within the limit where its characters are. */
function* wordsOf(text: string, range: TextRange, limits: ChunkLimits): Steps<readonly CountedRange[]> {
  const words: CountedRange[] = []
  parts.lastIndex = range.start
  for (let start = range.start; start < range.end;) {
    parts.lastIndex = start
    const end = Math.min(range.end, start + (parts.exec(text)?.[0].length ?? 1))
    if ((words.length & 0xff) === 0) yield
    addWord(text, start, end, limits, words)
    start = end
  }
  return words
}

function addWord(text: string, start: number, end: number, limits: ChunkLimits, words: CountedRange[]): void {
  const tokens = limits.count(text.slice(start, end))
  const slices = Math.ceil(tokens / limits.maxTokens)
  const size = Math.ceil((end - start) / slices)
  if (slices <= 1 || size >= end - start) {
    words.push({ start, end, tokens })
    return
  }
  const wordEnd = start + text.slice(start, end).trimEnd().length
  if (wordEnd > start && wordEnd < end) {
    addWord(text, start, wordEnd, limits, words)
    addWord(text, wordEnd, end, limits, words)
    return
  }
  for (let from = start; from < end;) {
    const to = notInPair(text, Math.min(end, from + size))
    addWord(text, from, to, limits, words)
    from = to
  }
}

/** Behind the last word that fits together with those from `first` on; always behind one. */
function roomFrom(words: readonly CountedRange[], first: number, maxTokens: number): number {
  let stop = first
  for (let tokens = 0; stop < words.length; stop++) {
    tokens += words[stop]?.tokens ?? 0
    if (tokens > maxTokens && stop > first) break
  }
  return stop
}

/** The last end of a sentence or line that leaves at least half of the room filled, otherwise the room's end. */
function bestCut(
  text: string,
  words: readonly CountedRange[],
  first: number,
  floor: number,
  stop: number,
  byLine: boolean,
): number {
  const start = words[first]?.start ?? 0
  const end = words[stop - 1]?.end ?? 0
  const half = start + (end - start) / 2
  for (let at = stop; at > floor; at--) {
    const cut = words[at - 1]?.end ?? 0
    if (cut <= half) break
    if (byLine ? beginsLine(text, cut) : endsSentence(text, cut)) return at
  }
  return stop
}

function countedPiece(
  text: string,
  words: readonly CountedRange[],
  first: number,
  stop: number,
  { count }: ChunkLimits,
): CountedRange {
  const start = words[first]?.start ?? 0
  const end = words[stop - 1]?.end ?? start
  return { start, end, tokens: count(trimLines(text.slice(start, end))) }
}

/** Where the next piece begins: at the first word (or line) that is at the most so far from the end, or behind it. */
function overlapStart(
  text: string,
  words: readonly CountedRange[],
  first: number,
  stop: number,
  { overlapTokens, count }: ChunkLimits,
  byLine: boolean,
): number {
  let start = stop
  let tokens = 0
  for (let at = stop - 1; at > first; at--) {
    tokens += words[at]?.tokens ?? 0
    if (tokens > overlapTokens) break
    if (!byLine || beginsLine(text, words[at]?.start ?? 0)) start = at
  }
  const end = words[stop - 1]?.end ?? 0
  while (start < stop && count(text.slice(words[start]?.start ?? 0, end)) > overlapTokens) start += 1
  return start
}

/** How far back the end of a sentence or line is looked for: time must not grow with the blanks in a row. */
const farthest = 64

/** Whether a line begins at `at`, but for its indentation. */
function beginsLine(text: string, at: number): boolean {
  let last = at - 1
  while (last > at - farthest && text[last] !== '\n' && isSpace(text, last)) last--
  return text[last] === '\n'
}

/** Whether a sentence ends just before `at`, which is behind the space that follows the sentence. */
function endsSentence(text: string, at: number): boolean {
  let last = at - 1
  while (last > at - farthest && isSpace(text, last)) last--
  if ('。！？'.includes(text.charAt(last))) return true
  if (last === at - 1) return false
  while (last > at - farthest && '"\'”’)]'.includes(text.charAt(last))) last--
  return last >= 0 && '.!?…'.includes(text.charAt(last))
}

function isSpace(text: string, at: number): boolean {
  return /\s/.test(text.charAt(at))
}

/** `at`, or one more where it lies between the halves of a surrogate pair. */
function notInPair(text: string, at: number): number {
  const before = text.charCodeAt(at - 1)
  const after = text.charCodeAt(at)
  const inPair = before >= 0xd800 && before <= 0xdbff && after >= 0xdc00 && after <= 0xdfff
  return inPair ? at + 1 : at
}

/** Without blank lines around it; the first line keeps its indentation. */
export function trimLines(text: string): string {
  return text.replace(/^(?:[^\S\n]*\n)+/, '').trimEnd()
}
