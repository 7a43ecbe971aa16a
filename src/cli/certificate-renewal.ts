import { type Clock, systemClock, messageOf } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import type { SpillwayServer, TlsOptions } from '../server/index.ts'
import { certificateFacts, certificateWarning } from '../server/tls.ts'
import { readTls, type TlsFiles } from './tls-files.ts'

/** Reads the files again at each SIGHUP; where they are wrong that is logged, and the certificate before stays. */
export function renewOnHangup(server: SpillwayServer, files: TlsFiles, first: TlsOptions, logger: Logger): void {
  warnOfCertificate(first, logger, systemClock)
  process.on('SIGHUP', () => {
    try {
      const tls = readTls(files)
      server.renewTls(tls)
      logger.info(certificateFacts(tls), 'SIGHUP: the certificate has been read again')
      warnOfCertificate(tls, logger, systemClock)
    } catch (error) {
      logger.error({ reason: messageOf(error) }, 'SIGHUP: the certificate has not been renewed, the one before stays')
    }
  })
}

function warnOfCertificate(tls: TlsOptions, logger: Logger, clock: Clock): void {
  const warning = certificateWarning(tls, clock)
  if (warning !== undefined) logger.warn(certificateFacts(tls), warning)
}
