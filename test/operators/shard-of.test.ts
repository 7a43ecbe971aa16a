import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shardOf } from '../../operators/index.ts'

const sessions = Array.from({ length: 20_000 }, (_, index) => `session-${index}`)

/** Written down once: another process, machine or version must say the same. */
const known: readonly (readonly [session: string, shards: number, shard: number])[] = [
  ['', 4, 0],
  ['a', 2, 1],
  ['a', 16, 7],
  ['session-1', 3, 0],
  ['session-1', 4, 3],
  ['7f3c0d1e-52b7-4d0e-9a46-0f6f3f3f1d11', 8, 5],
  ['Zürich 東京 🌊', 5, 4],
  ['user@example.org', 1000, 979],
]

describe('shardOf', () => {
  it.each(known)('puts session %j of %i shards on %i, today as ever', (session, shards, shard) => {
    expect(shardOf(session, shards)).toBe(shard)
  })

  it('says the same in another process', async () => {
    const source = new URL('../../operators/shard-of.ts', import.meta.url).href
    const few = sessions.slice(0, 200)
    const program = `
      import { shardOf } from ${JSON.stringify(source)}
      console.log(JSON.stringify(${JSON.stringify(few)}.map((session) => shardOf(session, 7))))
    `
    const argv = ['--conditions=source', '--input-type=module-typescript', '--eval', program]
    const { stdout } = await promisify(execFile)(process.execPath, argv)
    expect(JSON.parse(stdout)).toEqual(few.map((session) => shardOf(session, 7)))
  })

  it('gives one of the shards, and the same each time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 100 }), (session, shards) => {
        const shard = shardOf(session, shards)
        expect(Number.isInteger(shard) && shard >= 0 && shard < shards).toBe(true)
        expect(shardOf(session, shards)).toBe(shard)
      }),
    )
  })

  it.each([2, 3, 7, 16])('spreads sessions evenly over %i shards', (shards) => {
    const counts = new Array<number>(shards).fill(0)
    for (const session of sessions) counts[shardOf(session, shards)]! += 1
    const fair = sessions.length / shards
    // Chance alone leaves a standard deviation of about the root of the fair share; five of them are never seen.
    for (const count of counts) expect(Math.abs(count - fair)).toBeLessThan(5 * Math.sqrt(fair))
  })

  it.each([1, 2, 5, 10])(
    'moves from %i shards to one more only its share, and all of that to the new shard',
    (shards) => {
      const moved = sessions.filter((session) => shardOf(session, shards) !== shardOf(session, shards + 1))
      expect(moved.every((session) => shardOf(session, shards + 1) === shards)).toBe(true)
      const share = sessions.length / (shards + 1)
      expect(Math.abs(moved.length - share)).toBeLessThan(5 * Math.sqrt(share))
    },
  )

  it('moves nobody among the shards that stay, whatever their number', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 50 }), (session, shards) => {
        expect([shardOf(session, shards), shards]).toContain(shardOf(session, shards + 1))
      }),
    )
  })

  it.each([
    ['session', 0, 'shards must be a whole number from 1'],
    ['session', 1.5, 'got 1.5'],
    ['session', '2' as never, 'shards must be a whole number'],
    [5 as never, 2, 'session must be a string, got 5'],
  ])('refuses (%j, %j)', (session, shards, message) => {
    expect(() => shardOf(session, shards)).toThrow(message)
  })
})
