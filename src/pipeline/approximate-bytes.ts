/**
 * About how much memory a value takes up: two bytes for each UTF-16 unit of its texts and eight for all else. It looks
 * no further than `most`, and at each object once.
 */
export function approximateBytes(value: unknown, most: number): number {
  const left: unknown[] = [value]
  const seen = new Set<object>()
  let bytes = 0
  while (left.length > 0 && bytes <= most) {
    const next = left.pop()
    bytes += 8
    if (typeof next === 'string') bytes += 2 * next.length
    if (typeof next !== 'object' || next === null || seen.has(next)) continue
    seen.add(next)
    if (ArrayBuffer.isView(next) || next instanceof ArrayBuffer) bytes += next.byteLength
    else for (const [key, member] of Object.entries(next)) left.push(key, member)
  }
  return bytes
}
