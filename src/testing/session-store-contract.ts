import type { SessionStoreOptions } from '../stores/session-options.ts'
import type { ContractCase } from './model-worker-contract.ts'
import { encryptionChecks } from './sessions/encryption-checks.ts'
import type { SessionChecks, SessionStoreSubject } from './sessions/session-check.ts'
import { stateChecks } from './sessions/state-checks.ts'
import { timeChecks } from './sessions/time-checks.ts'
import { updateChecks } from './sessions/update-checks.ts'

/**
 * The checks that every `SessionStore` passes, for any test runner. Time is the store's own: a virtual clock, or a
 * server's, for which a check waits a few milliseconds. The store is made with `SessionStoreOptions`, whose defaults and
 * bounds are among the promises; errors are told by their class or `code`, never by their text.
 *
 * @param name The store's name; each case's name begins with it.
 * @param create Makes an empty store with these options; each check asks for one of its own, and closes it.
 * @param contract.encryption Whether the store takes `encryptionKeys`, default `true`; with `false` what they promise is
 * not checked.
 *
 * @example
 * ```ts
 * for (const check of sessionStoreContract('mine', createSubject)) test(check.name, check.run)
 *
 * function createSubject(options: SessionStoreOptions): SessionStoreSubject {
 *   const clock = new VirtualClock({ startAt: 1_700_000_000_000 })
 *   const data = new MyData()
 *   return {
 *     store: createMine({ ...options, clock, data }),
 *     now: () => clock.wallTime(),
 *     advance: (ms) => clock.advance(ms),
 *     reopen: (others) => createMine({ ...others, clock, data }),
 *     written: () => data.bytes(),
 *   }
 * }
 * ```
 */
export function sessionStoreContract(
  name: string,
  create: (options: SessionStoreOptions) => SessionStoreSubject | Promise<SessionStoreSubject>,
  contract: { readonly encryption?: boolean } = {},
): readonly ContractCase[] {
  const { encryption = true } = contract
  return Object.entries({ ...checks, ...(encryption && encryptionChecks) }).map(([title, { options, check }]) => ({
    name: `${name}: ${title}`,
    run: async () => {
      const subject = await create(options)
      try {
        await check(subject)
      } finally {
        await subject.store.close()
        await subject.dispose?.()
      }
    },
  }))
}

const checks: SessionChecks = { ...updateChecks, ...timeChecks, ...stateChecks }
