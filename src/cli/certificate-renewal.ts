import { type Clock, systemClock } from '../../operators/index.ts'
import { messageOf } from '../message-of.ts'
import type { SpillwayServer, TlsOptions } from '../server/index.ts'
import { certificateWarning } from '../server/tls.ts'
import { readTls, type TlsFiles } from './tls-files.ts'

/** Reads the files again at each SIGHUP; where they are wrong that is told, and the certificate before stays. */
export function renewOnHangup(server: SpillwayServer, files: TlsFiles, first: TlsOptions): void {
  warnOfCertificate(first, systemClock)
  process.on('SIGHUP', () => {
    try {
      const tls = readTls(files)
      server.renewTls(tls)
      console.log('SIGHUP: the certificate has been read again')
      warnOfCertificate(tls, systemClock)
    } catch (error) {
      console.error(`warning: the certificate has not been renewed: ${messageOf(error)}`)
    }
  })
}

function warnOfCertificate(tls: TlsOptions, clock: Clock): void {
  const warning = certificateWarning(tls, clock)
  if (warning !== undefined) console.error(`warning: ${warning}`)
}
