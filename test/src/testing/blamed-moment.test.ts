import { expect, test } from 'vitest'
import { pipeline } from '../../../src/index.ts'
import { checkInvariants } from '../../../src/testing/index.ts'

test('what happens as a promise settles is judged in its own moment, not in that of the next timer', async () => {
  let unseen: (() => number) | undefined
  let seen = 0
  const subject = pipeline<number>('late').stage(
    'one',
    async (value, { clock }) => {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 3))
      const at = clock.now()
      unseen = () => clock.now() - at
      return value
    },
    { capacity: 2 },
  )
  const check = (): void => {
    const lateMs = unseen?.() ?? 0
    if (unseen !== undefined) seen += 1
    unseen = undefined
    if (lateMs > 0) throw new Error(`judged ${lateMs} ms late`)
  }
  await checkInvariants(subject, { request: (index) => index, check })
  expect(seen).toBeGreaterThan(0)
})
