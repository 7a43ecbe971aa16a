import { Template } from '@huggingface/jinja'
import { handlerContext } from '../fixtures/handler-context.ts'
import type { ChatMessage } from '../../src/prompt-request.ts'
import type { Passage } from '../../src/retrieval/retriever.ts'
import { assemble, type AssembleOptions, defaultSystem, defaultTemplate } from '../../src/stages/assemble.ts'
import { createTemplate, type TemplateInput } from '../../src/template/prompt-template.ts'
import type { Report, ReportLine } from './report.ts'

const rounds = 3_000
const words = 'What a passage or a message says is made of ordinary words, 12 of them in a sentence. '
const textOf = (chars: number): string => words.repeat(Math.ceil(chars / words.length)).slice(0, chars)

const passages: readonly Passage[] = Array.from({ length: 4 }, (_, index) => ({
  source: `handbook/${index}.md`,
  headings: ['Handbook', `Chapter ${index}`],
  text: textOf(1_200),
  score: 4 - index,
}))
const messages: readonly ChatMessage[] = Array.from({ length: 50 }, (_, index) => ({
  role: index % 2 === 0 ? 'assistant' : 'user',
  content: textOf(400),
}))

/** How long a prompt takes of 4 passages of 1,200 characters and 50 messages of 400, and what the sandbox costs. */
export function assembling(): Report {
  const input: TemplateInput = {
    system: defaultSystem,
    passages: passages.map((passage, at) => ({ ...passage, index: at + 1 })),
    messages,
    fence: 'passage',
    mark: '',
  }
  const bare = new Template(defaultTemplate)
  const { current } = createTemplate({ text: defaultTemplate })
  const { system, passages: given, fence, mark } = input
  return {
    title: `Assembling a prompt of 4 passages and 50 messages, ${rounds} times`,
    lines: [
      measured('the stage without a limit', stage({})),
      measured('the stage, all within its tokens', stage({ maxPromptTokens: 100_000 })),
      measured('the stage, two passages left out', stage({ maxPromptTokens: 5_900 })),
      measured('the stage, passages and half of the messages left out', stage({ maxPromptTokens: 2_500 })),
      measured('the stage, words marked', stage({ maxPromptTokens: 100_000, spotlight: 'mark' })),
      measured('the template alone, in the sandbox', () => current.render(input)),
      measured('the template alone, by the library as it is', () =>
        bare.render({ system, passages: given, fence, mark }),
      ),
    ],
  }
}

function stage(options: AssembleOptions): () => unknown {
  const handler = assemble(options)
  const request = { messages }
  const context = handlerContext({ request })
  return () => handler({ request, passages }, context)
}

function measured(name: string, action: () => unknown): ReportLine {
  const times: number[] = []
  for (let round = -300; round < rounds; round++) {
    const start = performance.now()
    action()
    if (round >= 0) times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  const at = (part: number): number => times[Math.floor(part * rounds)] ?? 0
  const figure = `p50 ${at(0.5).toFixed(3)} ms, p99 ${at(0.99).toFixed(3)} ms`
  return { name, figure, target: 'p99 < 5 ms', met: at(0.99) < 5 }
}
