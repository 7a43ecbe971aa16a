import type { RandomSource } from '../../operators/index.ts'
import type { Passage } from '../retrieval/retriever.ts'

/** How a retrieved text is kept apart from what the model is told. */
export type Spotlight = 'delimit' | 'mark' | 'off'

/** Passages that are ready to be put into a prompt, and what they are kept apart by. */
export interface SpotlightedPassages {
  readonly passages: readonly Passage[]
  /** The name for the tags around each passage; none of the passages contains it. */
  readonly fence: string
  /** What stands before every word of the passages; empty where nothing does. */
  readonly mark: string
}

/**
 * Marks retrieved text as data, so that instructions in a document are not taken for the user's.
 *
 * - `'delimit'`: the tags around a passage have a name of 128 random bits, made for this prompt. A passage cannot
 *   close a tag whose name it does not know; if one contains the name by chance, the name is made longer.
 * - `'mark'`: in addition every word of a passage and its headings is preceded by a mark that occurs in none of them.
 * - `'off'`: the passages as they are, and `passage` for the name.
 *
 * Unless it is off, words that chat templates control models with, such as `<|im_start|>` or `[INST]`, are taken apart
 * by a space: some servers read them as what they stand for wherever they occur.
 *
 * @param random Unguessable, outside of tests.
 * @see https://arxiv.org/abs/2403.14720 (Hines et al.: Defending Against Indirect Prompt Injection Attacks With Spotlighting)
 */
export function spotlight(passages: readonly Passage[], how: Spotlight, random: RandomSource): SpotlightedPassages {
  if (how === 'off') return { passages, fence: 'passage', mark: '' }
  const texts = passages.flatMap(({ source, headings, text }) => [source, ...headings, text])
  const occurs = (part: string): boolean => texts.some((text) => text.includes(part))
  let fence = `passage-${randomName(random)}`
  // Longer every time, so that it ends whatever the source gives.
  while (occurs(fence)) fence += randomName(random)
  const mark = how === 'mark' ? markFor(occurs, random) : ''
  return { passages: passages.map((passage) => treated(passage, mark)), fence, mark }
}

function treated(passage: Passage, mark: string): Passage {
  const { source, headings, text } = passage
  const safe = (part: string): string => marked(takeApart(part), mark)
  return { ...passage, source: takeApart(source), headings: headings.map(safe), text: safe(text) }
}

function randomName(random: RandomSource): string {
  let name = ''
  for (let part = 0; part < 4; part++) {
    name += Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  }
  return name
}

/** One token of most models each, and seldom in prose. */
const marks = ['^', '¦', '¬', '§', '¶', '‡']

function markFor(occurs: (part: string) => boolean, random: RandomSource): string {
  const first = Math.floor(random() * marks.length)
  const turned = [...marks.slice(first), ...marks.slice(0, first)]
  // Documents that use them all leave one of the many characters that nobody has given a meaning.
  return turned.find((mark) => !occurs(mark)) ?? privateMark(occurs)
}

function privateMark(occurs: (part: string) => boolean): string {
  let code = 0xe000
  while (occurs(String.fromCharCode(code))) code++
  return String.fromCharCode(code)
}

function marked(text: string, mark: string): string {
  if (mark === '') return text
  return text.replace(/\s+|^(?=\S)/g, (blank) => (blank.includes('\n') ? blank.replace(/[^\n]/g, '') : '') + mark)
}

/**
 * The beginnings of what the chat templates of Llama, Mistral, Qwen, Gemma, Phi and DeepSeek control models with, in
 * ASCII and in the full-width forms that DeepSeek's has.
 */
const controls =
  /[<＜](?=[|｜])|[|｜](?=[>＞])|\[(?=\/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT)\])|<(?=<\/?SYS>>)|<(?=\/?(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn|tool_call|tool_response|think|begin_of_text|end_of_text)>)/gi

function takeApart(text: string): string {
  return text.replace(controls, '$& ')
}
