import { isIPv4 } from 'node:net'
import { beginsNumber, endsNumber } from './boundaries.ts'
import { isDigit, isLetter } from './characters.ts'
import { more, none, type Recogniser } from './recogniser.ts'
import { wordsBefore } from './words-before.ts'

const maxAddress = 15

/** IPv4 addresses of four decimal numbers, but not versions and sections: what the word before them calls so. */
export const ipv4: Recogniser = {
  kind: 'ip',
  maxChars: maxAddress,
  starts: isDigit,
  match(text, at, final) {
    if (!beginsNumber(text, at, '.') || isFileVersion(text, at)) return none
    let end = at
    let dots = 0
    for (; end <= at + maxAddress; end++) {
      if (end >= text.length) {
        if (!final) return more
        break
      }
      if (text.charAt(end) === '.') {
        if (++dots > 3) break
      } else if (!isDigit(text.charCodeAt(end))) break
    }
    if (dots < 3 || !isIPv4(text.slice(at, end))) return none
    const ends = endsNumber(text, end, final, '.')
    if (ends !== 1) return ends === more ? more : none
    return namesOfVersions.has(wordsBefore(text, at)[0] ?? '') ? none : end
  },
}

/** `app-1.2.3.4.tar.gz`; a range of addresses has a digit before its hyphen. */
function isFileVersion(text: string, at: number): boolean {
  return at > 1 && text.charCodeAt(at - 1) === hyphen && isLetter(text.charCodeAt(at - 2))
}

const hyphen = 45

const namesOfVersions: ReadonlySet<string> = new Set([
  ...['version', 'versions', 'ver', 'v', 'release', 'releases', 'rev', 'revision', 'build', 'firmware', 'driver'],
  ...['section', 'sections', 'sec', 'chapter', 'clause', 'paragraph', 'figure', 'table', 'appendix', 'oid', '§'],
  ...['abschnitt', 'kapitel', 'ziffer', 'versión', 'versão', 'versione'],
])
