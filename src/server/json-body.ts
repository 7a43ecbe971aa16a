import { show, messageOf } from '../../operators/index.ts'
import { accepted, type Checked, refused } from './checked.ts'
import { duplicateKey } from './duplicate-key.ts'
import { badInput } from './refusal.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * A body's JSON, in which no object has a key twice.
 *
 * @param body What was sent; it must be UTF-8.
 * @param maxDepth How deep objects and arrays may be nested; looked at before anything is built.
 * @param what How it is called in a refusal.
 */
export function parseJsonBody(body: Uint8Array, maxDepth: number, what = 'the body'): Checked<unknown> {
  if (body.length === 0) return refused(badInput(null, `${what} is empty; it must be a JSON object`, 'invalid_json'))
  if (isDeeperThan(body, maxDepth)) {
    return refused(
      badInput(null, `${what}'s JSON is nested deeper than the limit jsonDepth of ${maxDepth} levels`, 'json_too_deep'),
    )
  }
  let text: string
  try {
    text = utf8.decode(body)
  } catch {
    return refused(badInput(null, `${what} is not valid UTF-8`, 'invalid_json'))
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    // The parser's own message may quote the body, and so the prompt.
    const place = /at position \d+(?= \(line \d+ column \d+\)$|$)/.exec(messageOf(error))?.[0]
    const where = place === undefined ? '' : `: what is wrong is ${place}`
    return refused(badInput(null, `${what} is not valid JSON${where}`, 'invalid_json'))
  }
  const twice = duplicateKey(text)
  if (twice === undefined) return accepted(value)
  // Not as the field that is wrong, which is logged: what a key is called may be anything.
  return refused(badInput(null, `the body's JSON has a key twice: ${show(twice)}`, 'duplicate_key'))
}

const quote = 0x22
const backslash = 0x5c

/** Works on bytes: none of the ASCII characters that it looks for is ever part of a longer UTF-8 sequence. */
function isDeeperThan(body: Uint8Array, maxDepth: number): boolean {
  let depth = 0
  let inString = false
  for (let index = 0; index < body.length; index++) {
    const byte = body[index]
    if (inString) {
      if (byte === backslash) index++
      else if (byte === quote) inString = false
    } else if (byte === quote) inString = true
    else if (byte === 0x7b || byte === 0x5b) {
      depth++
      if (depth > maxDepth) return true
    } else if (byte === 0x7d || byte === 0x5d) depth--
  }
  return false
}
