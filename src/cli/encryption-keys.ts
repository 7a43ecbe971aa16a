import { Buffer } from 'node:buffer'

const keyBytes = 32

/**
 * The keys with which stores encrypt: the first one does, all decrypt.
 *
 * @param text Each key in hex or base64, separated by commas; `undefined` for none.
 * @throws RangeError that says which key is wrong; never what it is.
 */
export function encryptionKeys(option: string, text: string | undefined): readonly Uint8Array[] {
  if (text === undefined) return []
  const parts = text.split(',').map((part) => part.trim())
  return parts.map((part, at) => {
    const key = keyOf(part)
    if (key !== undefined) return key
    const which = parts.length === 1 ? 'got' : `key ${at + 1} of ${parts.length} has`
    throw new RangeError(
      `${option} must be keys of ${keyBytes} bytes in hex (64 digits) or base64 (44 characters), separated by commas; ` +
        `${which} ${part.length} characters${part.length === 64 || part.length === 44 ? ' that are neither' : ''}`,
    )
  })
}

function keyOf(text: string): Uint8Array | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex')
  // Node reads both alphabets.
  const key = /^[\w+/-]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : undefined
  return key?.length === keyBytes ? key : undefined
}
