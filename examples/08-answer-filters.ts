/** A filter of one's own holds back what is undecided, so that every way to split a text gives the same. */
import assert from 'node:assert/strict'
import { chatPipeline, type TextFilter, textFilter, wordFilter } from 'spillway'
import { defineWorker } from 'spillway/workers'

/** Turns two hyphens into a dash. */
class Dashes implements TextFilter {
  #held = ''

  push(piece: string): string {
    const text = this.#held + piece
    const hyphens = text.length - text.replace(/-+$/, '').length
    // Of an odd number, the last may be the first half of a dash.
    this.#held = hyphens % 2 === 1 ? '-' : ''
    return text.slice(0, text.length - this.#held.length).replaceAll('--', '—')
  }

  end(): string {
    return this.#held
  }
}

/** The property that every filter has to have: try it with random texts, or, as here, with all splits of one. */
const text = 'a--b---c----'
for (let cuts = 0; cuts < 2 ** (text.length - 1); cuts++) {
  const filter = new Dashes()
  let output = ''
  let piece = ''
  for (const [index, character] of Array.from(text).entries()) {
    piece += character
    if (((cuts >> index) & 1) === 0 && index < text.length - 1) continue
    output += filter.push(piece)
    piece = ''
  }
  assert.equal(output + filter.end(), 'a—b—-c——')
}

const worker = defineWorker({
  info: { id: 'agent', provider: 'example', models: ['agent'], capabilities: ['chat', 'stream'] },
  async *inferStream() {
    for (const piece of ['My name is Bo', 'nd -', '- James Bon', 'd.']) yield await Promise.resolve({ text: piece })
  },
})
const filters = [textFilter(() => new Dashes()), wordFilter({ words: ['bond', 'james bond'], mask: '[classified]' })]
const running = chatPipeline({ worker, filters }).start()
let answer = ''
for await (const chunk of running.submit({ input: 'Who are you?' })) answer += chunk.text
console.log(answer)
assert.equal(answer, 'My name is [classified] — [classified].')
await running.drain()
