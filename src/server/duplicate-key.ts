/**
 * Where an object in a JSON text has a key twice, e.g. `'messages[0].role'`; `undefined` where none has.
 *
 * Parsers differ in which of the two they take, so that what a gateway has checked need not be what is answered.
 *
 * @param text Valid JSON.
 * @see https://www.rfc-editor.org/rfc/rfc8259#section-4
 */
export function duplicateKey(text: string): string | undefined {
  const path: Container[] = []
  for (let index = 0; index < text.length; index++) {
    const container = path.at(-1)
    const char = text[index]
    if (char === '{') path.push({ keys: new Set(), atKey: true, place: '' })
    else if (char === '[') path.push({ keys: undefined, atKey: false, place: 0 })
    else if (char === '}' || char === ']') path.pop()
    else if (char === ',') next(container)
    else if (char === '"') {
      const end = endOfString(text, index)
      if (container?.keys !== undefined && container.atKey) {
        const key = keyOf(text.slice(index, end + 1))
        container.place = key
        if (container.keys.has(key)) return path.map(segment).join('').replace(/^\./, '')
        container.keys.add(key)
        container.atKey = false
      }
      index = end
    }
  }
  return undefined
}

/** An object or an array that is being read, and where in it. */
interface Container {
  /** Those that were there already; `undefined` in an array. */
  readonly keys: Set<string> | undefined
  atKey: boolean
  place: string | number
}

function next(container: Container | undefined): void {
  if (container === undefined) return
  if (typeof container.place === 'number') container.place++
  else container.atKey = true
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text[end - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return end
  }
}

/** The same key may be written in several ways. */
function keyOf(quoted: string): string {
  return quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1)
}

function segment({ place }: Container): string {
  return typeof place === 'number' ? `[${place}]` : `.${place}`
}
