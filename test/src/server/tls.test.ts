import { createPrivateKey } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../../operators/index.ts'
import { certificateWarning, checkTls } from '../../../src/server/tls.ts'
import { type SelfSigned, selfSigned } from '../../fixtures/certificate.ts'

let own: SelfSigned
let other: SelfSigned
beforeAll(async () => {
  ;[own, other] = [await selfSigned(30), await selfSigned(30)]
})

test('a certificate and its key are taken', () => {
  expect(checkTls(own)).toEqual(own)
})

test('what does not fit is named and never quoted', () => {
  const encrypted = createPrivateKey(own.key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-128-cbc',
    passphrase: 'x',
  }) as string
  for (const [tls, message] of [
    [{ ...own, key: other.key }, 'tls.key must be the private key of tls.cert, got that of another certificate'],
    [{ ...own, key: encrypted }, 'tls.key must not be encrypted; decrypt it first'],
    [{ ...own, key: 'secret' }, 'tls.key must be a private key in PEM, got something else'],
    [{ ...own, cert: own.key }, 'tls.cert must be a certificate in PEM, got something else'],
    [{ ...own, cert: '' }, 'tls.cert must not be empty'],
    [{ cert: own.cert }, 'tls.key must be'],
    [{ ...own, ca: 'x' }, 'unknown option "ca"'],
  ] as const) {
    expect(() => checkTls(tls as SelfSigned)).toThrow(message)
  }
})

test('a certificate warns before and after its time', () => {
  const day = 86_400_000
  const at = (days: number): string | undefined =>
    certificateWarning(own, { wallTime: () => systemClock.wallTime() + days * day })
  expect(at(1)).toBeUndefined()
  expect(at(-2)).toMatch(/^the certificate is not valid before /)
  expect(at(17)).toMatch(/^the certificate expires within 14 days, on /)
  expect(at(31)).toMatch(/^the certificate has expired on /)
})
