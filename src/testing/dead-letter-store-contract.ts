import type { DeadLetterStoreOptions } from '../stores/dead-letter-options.ts'
import { claimChecks } from './dead-letters/claim-checks.ts'
import { encryptionChecks } from './dead-letters/encryption-checks.ts'
import { keepChecks } from './dead-letters/keep-checks.ts'
import { leaseChecks } from './dead-letters/lease-checks.ts'
import { letterChecks } from './dead-letters/letter-checks.ts'
import { listChecks } from './dead-letters/list-checks.ts'
import { putChecks } from './dead-letters/put-checks.ts'
import { checkBooks, type DeadLetterStoreSubject, type StoreChecks } from './dead-letters/store-check.ts'
import type { ContractCase } from './model-worker-contract.ts'

/**
 * The checks that every `DeadLetterStore` passes, for any test runner. Time is the store's own: a virtual clock, or a
 * server's, for which a check waits a few milliseconds. The store is made with `DeadLetterStoreOptions`, whose defaults and
 * bounds are among the promises; errors are told by their class or `code`, never by their text.
 *
 * @param name The store's name; each case's name begins with it.
 * @param create Makes an empty store with these options; each check asks for one of its own, and closes it.
 * @param contract.encryption Whether the store takes `encryptionKeys`, default `true`; with `false` what they promise is
 * not checked.
 *
 * @example
 * ```ts
 * for (const check of deadLetterStoreContract('mine', createSubject)) test(check.name, check.run)
 *
 * function createSubject(options: DeadLetterStoreOptions): DeadLetterStoreSubject {
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
export function deadLetterStoreContract(
  name: string,
  create: (options: DeadLetterStoreOptions) => DeadLetterStoreSubject | Promise<DeadLetterStoreSubject>,
  contract: { readonly encryption?: boolean } = {},
): readonly ContractCase[] {
  const { encryption = true } = contract
  return Object.entries({ ...checks, ...(encryption && encryptionChecks) }).map(([title, { options, check }]) => ({
    name: `${name}: ${title}`,
    run: async () => {
      const subject = await create(options)
      try {
        await check(subject)
        // The check may have closed its own.
        const books = await subject.reopen(options)
        try {
          await checkBooks(books)
        } finally {
          await books.close()
        }
      } finally {
        await subject.store.close()
        await subject.dispose?.()
      }
    },
  }))
}

const checks: StoreChecks = {
  ...putChecks,
  ...claimChecks,
  ...leaseChecks,
  ...keepChecks,
  ...listChecks,
  ...letterChecks,
}
