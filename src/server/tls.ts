import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { checkKeys, checkText, type Clock } from '../../operators/index.ts'

/** What a server proves with who it is. */
export interface TlsOptions {
  /** The certificate and those that lead to its authority, in PEM, the server's own first. */
  readonly cert: string
  /** The private key of the certificate, in PEM, not encrypted. */
  readonly key: string
}

/**
 * Checks that a certificate and a key can be used with each other.
 *
 * @param names What the two are called in an error.
 * @throws TypeError or RangeError naming the one that is wrong, never quoting it.
 */
export function checkTls(
  tls: TlsOptions,
  names: { readonly cert: string; readonly key: string } = ownNames,
): TlsOptions {
  checkKeys('tls', tls, ['cert', 'key'])
  const { cert, key } = tls
  const certificate = certificateOf(names.cert, cert)
  if (!certificate.checkPrivateKey(privateKeyOf(names.key, key))) {
    throw new RangeError(`${names.key} must be the private key of ${names.cert}, got that of another certificate`)
  }
  return { cert, key }
}

const ownNames = { cert: 'tls.cert', key: 'tls.key' }
const dayMs = 86_400_000
const warnDays = 14

/** Why clients may refuse a certificate now or within 14 days; `undefined` where its time is right. */
export function certificateWarning({ cert }: TlsOptions, clock: Pick<Clock, 'wallTime'>): string | undefined {
  const { validFrom, validTo } = new X509Certificate(cert)
  const [from, to, now] = [Date.parse(validFrom), Date.parse(validTo), clock.wallTime()]
  if (now < from) return `the certificate is not valid before ${validFrom}`
  if (now > to) return `the certificate has expired on ${validTo}`
  if (to - now < warnDays * dayMs) return `the certificate expires within ${warnDays} days, on ${validTo}`
  return undefined
}

/** Whose a certificate is and how long it lasts, for the log. */
export function certificateFacts({ cert }: TlsOptions): { readonly subject: string; readonly expires: string } {
  const { subject, validTo } = new X509Certificate(cert)
  return { subject: subject.replaceAll('\n', ', '), expires: new Date(validTo).toISOString() }
}

function certificateOf(name: string, cert: string): X509Certificate {
  checkText(name, cert)
  try {
    return new X509Certificate(cert)
  } catch (error) {
    throw new RangeError(`${name} must be a certificate in PEM, got something else`, { cause: error })
  }
}

function privateKeyOf(name: string, key: string): KeyObject {
  checkText(name, key)
  try {
    return createPrivateKey(key)
  } catch (error) {
    if (key.includes('ENCRYPTED')) {
      const advice = 'decrypt it first, e.g. with openssl pkey -in encrypted.pem -out key.pem'
      throw new RangeError(`${name} must not be encrypted; ${advice}`, { cause: error })
    }
    throw new RangeError(`${name} must be a private key in PEM, got something else`, { cause: error })
  }
}
