import { readFileSync } from 'node:fs'
import { redactor } from '../../src/redaction/redactor.ts'
import { lookAlikes } from '../src/redaction/look-alikes.ts'
import { personalData } from '../src/redaction/personal-data.ts'
import type { Report, ReportLine } from './report.ts'

const sizes = [250_000, 500_000, 1_000_000, 2_000_000]
/** What a model's token has in units, about. */
const token = 4

/** What is repeated until the text is as long as it shall be. */
const units: Readonly<Record<string, string>> = {
  'prose, this project’s': readFileSync(new URL('../../ARCHITECTURE.md', import.meta.url), 'utf8').replaceAll(
    / +/g,
    ' ',
  ),
  'prose, Cyrillic': 'Съешь же ещё этих мягких французских булок да выпей чаю. ',
  'prose, Chinese': '永和九年，岁在癸丑，暮春之初，会于会稽山阴之兰亭。',
  'personal data alone': personalData.map(([, marked]) => marked.replaceAll(/[«»]/g, '')).join('\n'),
  'look-alikes alone': lookAlikes.map(([, text]) => text).join('\n'),
  'a@a@…': 'a@',
  'a@a.a@a.…': 'a@a.',
  'a.a.…': 'a.',
  'b.co.b.co.…': 'b.co.',
  '"a"a…': '"a',
  '1 1 …': '1 ',
  '111…': '1',
  '1.1.…': '1.',
  '0-0-…': '0-',
  '(0) (0) …': '(0) ',
  '+1 +1 …': '+1 ',
  'tel 1 tel 1 …': 'tel 1 ',
  ':::…': ':',
  'a:a:…': 'a:',
  'card, Luhn fails': '4111 1111 1111 1112 ',
  'IBAN, check digits wrong': 'DE89 3704 0044 0532 0130 01 ',
}

/** Redaction's speed on texts of growing sizes, whole and token by token: linear where the figures stay level. */
export function redaction(): Report {
  const { redact, stream, holdBack } = redactor()
  const lines = Object.entries(units).map(([name, unit]): ReportLine => {
    const text = unit.repeat(Math.ceil(2_000_000 / unit.length))
    redact(text.slice(0, 100_000))
    const whole = sizes.map((size) => speed(size, () => redact(text.slice(0, size))))
    const inTokens = speed(250_000, () => {
      const filter = stream()
      for (let at = 0; at < 250_000; at += token) filter.push(text.slice(at, at + token))
      filter.end()
    })
    return { name, figure: `${whole.join(' ')}; by tokens ${inTokens}` }
  })
  return {
    title: `Redaction, million characters a second, texts of ${sizes.map((size) => size / 1e6).join(', ')} million; at most ${holdBack} characters are held back`,
    lines,
  }
}

function speed(size: number, run: () => void): string {
  const start = performance.now()
  run()
  return (size / 1000 / (performance.now() - start)).toFixed(1)
}
