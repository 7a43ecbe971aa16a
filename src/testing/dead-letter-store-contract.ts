import type { DeadLetterStoreOptions } from '../stores/dead-letter-options.ts'
import { claimChecks } from './dead-letters/claim-checks.ts'
import { keepChecks } from './dead-letters/keep-checks.ts'
import { leaseChecks } from './dead-letters/lease-checks.ts'
import { letterChecks } from './dead-letters/letter-checks.ts'
import { listChecks } from './dead-letters/list-checks.ts'
import { putChecks } from './dead-letters/put-checks.ts'
import { checkBooks, type DeadLetterStoreSubject, type StoreCheck } from './dead-letters/store-check.ts'
import type { ContractCase } from './model-worker-contract.ts'

/**
 * The checks that every `DeadLetterStore` passes, for any test runner. Time is the store's own: a virtual clock, or a
 * server's, for which a check waits a few milliseconds.
 *
 * @param name The store's name; each case's name begins with it.
 * @param create Makes an empty store with these options; each check asks for one of its own, and closes it.
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
): readonly ContractCase[] {
  return Object.entries(checks).map(([title, { options, check }]) => ({
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

const checks: Readonly<Record<string, StoreCheck>> = {
  ...putChecks,
  ...claimChecks,
  ...leaseChecks,
  ...keepChecks,
  ...listChecks,
  ...letterChecks,
}
