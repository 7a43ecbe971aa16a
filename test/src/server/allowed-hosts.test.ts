import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkHostNames, createAllowedHosts } from '../../../src/server/allowed-hosts.ts'

const port = fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined })
const withPort = (host: string, number: number | undefined): string =>
  number === undefined ? host : `${host}:${number}`

describe('without a key', () => {
  test('every address is allowed, with any port', () => {
    const hosts = createAllowedHosts()
    const address = fc.oneof(
      fc.ipV4(),
      fc.ipV6().map((each) => `[${each}]`),
    )
    fc.assert(
      fc.property(address, port, (host, number) => {
        expect(hosts.fault(withPort(host, number))).toBeUndefined()
      }),
    )
  })

  test('every name that was not allowed is refused, whatever it begins or ends with, and one that was is not', () => {
    const near = fc.constantFrom('localhost.', '127.0.0.1.', 'chat.example.org.', '')
    fc.assert(
      fc.property(near, fc.domain(), port, (prefix, domain, number) => {
        const host = `${prefix}${domain}`
        expect(createAllowedHosts(['chat.example.org']).fault(withPort(host, number))).toMatchObject({
          status: 403,
          code: 'host_not_allowed',
          param: 'host',
        })
        expect(createAllowedHosts([host]).fault(withPort(host.toUpperCase(), number))).toBeUndefined()
        expect(createAllowedHosts(['*']).fault(withPort(host, number))).toBeUndefined()
      }),
    )
  })

  test.each(['localhost', 'LOCALHOST:8080', 'localhost.', 'localhost.:80', 'app.localhost', '127.8.9.1', undefined])(
    '%j is local',
    (host) => {
      expect(createAllowedHosts().fault(host)).toBeUndefined()
    },
  )

  test.each([
    '',
    ':80',
    'localhost.evil.example',
    'notlocalhost',
    'user@localhost',
    '[localhost]',
    '::1',
    'a b',
    '[::1',
  ])('%j is not', (host) => {
    expect(createAllowedHosts().fault(host)?.message).toContain(`the host ${JSON.stringify(host)} is not`)
  })

  test('the name that it listens on is allowed', () => {
    const hosts = createAllowedHosts()
    hosts.add('Box.lan')
    expect(hosts.fault('box.LAN:80')).toBeUndefined()
    expect(hosts.fault('other.lan:80')?.message).toContain('allowedHosts (--allowed-host)')
  })
})

test.each([['http://a.example'], ['a.example:80'], ['.example'], ['a..b'], ['*.example'], [''], ['a/b'], [7]])(
  '%j is no name',
  (name) => {
    expect(() => {
      checkHostNames('allowedHosts', [name])
    }).toThrow(/^allowedHosts must be host names .* got /)
  },
)

test('a name that is not in an array is told', () => {
  expect(() => {
    checkHostNames('--allowed-host', 'a.example')
  }).toThrow('--allowed-host must be an array of host names, got "a.example"')
})
