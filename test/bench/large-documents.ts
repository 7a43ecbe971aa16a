import { mulberry32 } from '../fixtures/mulberry32.ts'

/** A document as large as they come, in a file of this name. */
export interface LargeDocument {
  readonly name: string
  readonly what: string
  readonly text: string
}

const english =
  'the of reservoir spillway each channel is emptied before next stage stops and water overflows gates which were opened by operators when level rises above crest during floods concrete turbines'.split(
    ' ',
  )
const japanese =
  '貯水池の水位が上がると、放水路の門を開けて、あふれる前に水を流す。次の段階が止まるまで、各水路は空になる。'
const code = [
  'export async function drain(channel: Channel<Job>, { timeoutMs = 30_000 }: DrainOptions = {}): Promise<Ledger> {',
  '  for (const [index, job] of channel.entries()) {',
  "    if (job.signal?.aborted === true) ledger.count('cancelled', index)",
  '    else await this.run(job, { retries: 3, backoffMs: [10, 100, 1_000] })',
  '  }',
  '  return { ...ledger.snapshot(), submitted: this.submitted, inFlight: 0 } // every request has one outcome',
  '}',
  '',
]

/** What is made up is the same each time. */
export function largeDocuments(): readonly LargeDocument[] {
  const random = mulberry32(1)
  const sentence = (): string => {
    const words = Array.from(
      { length: 6 + Math.floor(random() * 14) },
      () => english[Math.floor(random() * english.length)],
    )
    return `${words.join(' ')}. `
  }
  const paragraph = (): string => Array.from({ length: 4 }, sentence).join('')
  let section = 0
  const markdown = (): string => {
    section += 1
    return `## Section ${section}\n\n${paragraph()}\n\n- ${sentence()}\n- ${sentence()}\n\n${paragraph()}\n\n`
  }
  const html = (): string => {
    section += 1
    return `<h2>Section ${section}</h2><p>${paragraph()}</p><ul><li>${sentence()}</li><li><b>${sentence()}</b></li></ul><table><tr><td>${section}</td><td>${sentence()}</td></tr></table>\n`
  }
  let line = 0
  const program = (): string => `${code[line++ % code.length] ?? ''}\n`
  return [
    { name: 'prose.md', what: '5 MB of Markdown prose', text: filled(5e6, markdown) },
    { name: 'code.md', what: '5 MB in one code block', text: `\`\`\`ts\n${filled(5e6, program)}\`\`\`\n` },
    { name: 'page.html', what: '5 MB of HTML', text: `<title>Dams</title>${filled(5e6, html)}` },
    { name: 'japanese.md', what: '5 MB of Japanese', text: filled(5e6 / 3, () => `${japanese.repeat(4)}\n\n`) },
    { name: 'line.md', what: '1 MB in one line', text: filled(1e6, sentence) },
  ]
}

function filled(chars: number, piece: () => string): string {
  const pieces: string[] = []
  for (let length = 0; length < chars;) {
    const next = piece()
    pieces.push(next)
    length += next.length
  }
  return pieces.join('')
}
