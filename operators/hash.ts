/** FNV-1a over the text's UTF-16 units, both bytes of each, and mixed: 32 bits. The same in every process and version. */
export function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    value = Math.imul(value ^ (unit & 0xff), 0x01000193)
    value = Math.imul(value ^ (unit >>> 8), 0x01000193)
  }
  return mix(value)
}

/** MurmurHash3's finalizer: each bit of the input changes half of the output's. */
export function mix(input: number): number {
  let value = input | 0
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
