import type { DocumentMetadata } from '../retriever.ts'

const block = /^---[^\S\n]*\n([^]*?)\n---[^\S\n]*(?:\n|$)/
const scalar = /^([\p{L}\p{N}_.-]{1,64}):[^\S\n]+(\S.*)$/u
const longestValue = 1_000

/**
 * The plain `key: value` lines at the head of a Markdown text, between two lines of `---`. Lists, nested values and
 * texts over several lines are passed over; quotes around a value are taken off.
 *
 * @example
 * ```ts
 * frontMatter('---\ntitle: Setup\ndraft: true\n---\n# Setup') // { title: 'Setup', draft: true }
 * ```
 */
export function frontMatter(text: string): DocumentMetadata {
  const lines = block.exec(text)?.[1]?.split('\n') ?? []
  const found = lines.flatMap((line): [string, string | number | boolean][] => {
    const [, key, value] = scalar.exec(line) ?? []
    if (key === undefined || value === undefined || key === '__proto__') return []
    const read = valueOf(value.trimEnd())
    return read === undefined ? [] : [[key, read]]
  })
  return Object.fromEntries(found)
}

function valueOf(text: string): string | number | boolean | undefined {
  const quoted = /^(["'])(.*)\1$/.exec(text)
  if (quoted !== null) return limited(quoted[2] ?? '')
  const plain = text.replace(/\s#.*$/, '')
  if (/^[[{|>&*!%@`]/.test(plain)) return undefined
  if (plain === 'true' || plain === 'false') return plain === 'true'
  if (/^-?(?:0|[1-9]\d{0,14})(?:\.\d+)?$/.test(plain)) return Number(plain)
  return limited(plain)
}

function limited(text: string): string | undefined {
  return text.length <= longestValue ? text : undefined
}
