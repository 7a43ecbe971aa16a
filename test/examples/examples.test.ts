import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram } from '../package/run-program.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))
const guardMs = 120_000
const examples = globSync('examples/*.ts', { cwd: project }).sort()

test('there are examples', () => {
  expect(examples).not.toEqual([])
})

test.for(examples)('%s runs to its end', { timeout: guardMs + 10_000 }, async (example) => {
  const end = await runProgram(process.execPath, ['--conditions=source', example], { cwd: project, guardMs })
  expect(end.exitCode, end.output).toBe(0)
})
