import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type ProgramEnd, runProgram } from '../../package/run-program.ts'

const project = fileURLToPath(new URL('../../..', import.meta.url))

/** A user's test for Node's own runner, whose operator forgets every third item where `forgets` says so. */
const source = (forgets: boolean): string => `
  import test from 'node:test'
  import { filter } from 'rxjs'
  import { boundedBuffer } from 'spillway/operators'
  import { checkInvariants, operator } from 'spillway/testing'
  const limits = { capacity: 2, concurrency: 1 }
  const mine = operator(
    ({ project, clock, onOutcome }) => (source$) =>
      source$.pipe(
        filter((_, index) => !${String(forgets)} || index % 3 !== 2),
        boundedBuffer(project, { ...limits, clock, onOutcome }),
      ),
    limits,
  )
  test('my operator keeps the invariants', () => checkInvariants(mine, { seed: 7 }))
`

const run = (forgets: boolean): Promise<ProgramEnd> =>
  runProgram(process.execPath, ['--conditions=source', '--input-type=module', '--eval', source(forgets)], {
    cwd: project,
    guardMs: 60_000,
  })

test("checkInvariants passes under Node's test runner", async () => {
  const { exitCode, output } = await run(false)
  expect(exitCode, output).toBe(0)
  expect(output).toContain('pass 1')
})

test("a failure under Node's test runner shows the seed, the shrunk scenario and the timeline", async () => {
  const { exitCode, output } = await run(true)
  expect(exitCode, output).toBe(1)
  expect(output).toContain('fail 1')
  expect(output).toContain('item 2 arrives while a slot is free, but does not start')
  expect(output).toContain('play it again with { seed: 7, path: ')
  expect(output).toMatch(/the scenario:\s+capacity 2, concurrency 1; by default .+\n\s+item 0 arrives at 0 ms/)
  expect(output).toMatch(/what happened:\s+0 ms {2}item 0 arrives/)
})
