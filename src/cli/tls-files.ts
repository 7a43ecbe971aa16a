import { readFileSync } from 'node:fs'
import { show, messageOf } from '../../operators/index.ts'
import { fileFault } from '../retrieval/file-fault.ts'
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
  const names = { cert: `--tls-cert ${show(cert)}`, key: `--tls-key ${show(key)}` }
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
    throw new Error(`${name}: ${fileFault(error)}`, { cause: error })
  }
}
