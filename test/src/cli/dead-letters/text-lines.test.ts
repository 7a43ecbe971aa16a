import { Buffer } from 'node:buffer'
import { expect, it } from 'vitest'
import { type TextLine, textLines } from '../../../../src/cli/dead-letters/text-lines.ts'

async function* cutUp(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

it.each([1, 3, 5, 100])(
  'a line that is too long is told with its number, and passed over, in chunks of %d',
  async (size) => {
    const text = `four\n\n${'x'.repeat(40)}\nfive5\nsixsix\nend`
    const lines: TextLine[] = []
    for await (const line of textLines(cutUp(text, size), 5)) lines.push(line)
    const fault = 'it must be at most 5 bytes long'
    expect(lines).toEqual([
      { number: 1, text: 'four' },
      { number: 3, fault },
      { number: 4, text: 'five5' },
      { number: 5, fault },
      { number: 6, text: 'end' },
    ])
  },
)

it('a line that is too long is told before its end, which may never come', async () => {
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) yield Buffer.alloc(65_536, 'x')
  }
  for await (const line of textLines(endless())) {
    expect(line).toEqual({ number: 1, fault: 'it must be at most 8388608 bytes long' })
    break
  }
})
