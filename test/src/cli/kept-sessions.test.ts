import { expect, test } from 'vitest'
import { keptSessions } from '../../../src/cli/kept-sessions.ts'

test('sessions are kept, unless another is said', () => {
  expect(keptSessions({})).toEqual({ ttlMs: 86_400_000, onOutage: 'continue-without' })
  expect(keptSessions({ sessions: true, sessionTtl: '2h', sessionOutage: 'fail' })).toEqual({
    ...{ ttlMs: 7_200_000, onOutage: 'fail' },
  })
  expect(keptSessions({ sessions: false })).toBeUndefined()
})

test.each([
  [{ sessions: false, sessionTtl: '1h' }, '--session-ttl must not be given together with --no-sessions'],
  [{ sessions: false, sessionOutage: 'fail' }, '--session-outage must not be given together with --no-sessions'],
  [{ sessionTtl: '0s' }, '--session-ttl must be a whole number from 1'],
  [{ sessionOutage: 'wait' }, '--session-outage must be one of "continue-without", "fail", got "wait"'],
])('%j is refused', (given, message) => {
  expect(() => keptSessions(given)).toThrow(message)
})
