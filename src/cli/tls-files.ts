import { readFileSync } from 'node:fs'
import { messageOf } from '../message-of.ts'
import { checkTls, type TlsOptions } from '../server/tls.ts'

/** Where a certificate and its key are. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
}

/**
 * Reads a certificate and its key.
 *
 * @throws Error naming the option and the file that cannot be read or does not hold what it should.
 */
export function readTls({ cert, key }: TlsFiles): TlsOptions {
  const names = { cert: `--tls-cert ${cert}`, key: `--tls-key ${key}` }
  const tls = { cert: read(names.cert, cert), key: read(names.key, key) }
  try {
    return checkTls(tls, names)
  } catch (error) {
    // The files are wrong and not the caller: the sentence is all that there is to say.
    throw new Error(messageOf(error), { cause: error })
  }
}

function read(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`${name}: the file cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  }
}
