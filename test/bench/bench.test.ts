import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type ProgramEnd, runProgram } from '../package/run-program.ts'
import { parseBenchOptions } from './bench-options.ts'
import { closedLoop } from './closed-loop.ts'
import { summarize } from './row.ts'
import { createSpillwayContender } from './spillway-contender.ts'
import { inference } from './workload.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))

function bench(...args: readonly string[]): Promise<ProgramEnd> {
  return runProgram(process.execPath, ['--conditions=source', main, ...args], { cwd: process.cwd(), guardMs: 60_000 })
}

describe('the options', () => {
  test('have defaults', () => {
    expect(parseBenchOptions([])).toEqual({
      json: false,
      save: false,
      help: false,
      outstanding: 256,
      requests: 100_000,
      rounds: 5,
      names: [],
    })
    expect(parseBenchOptions(['five-stages', '--json', '--rounds', '7'])).toMatchObject({
      json: true,
      rounds: 7,
      names: ['five-stages'],
    })
  })

  test.each([
    [['--rounds', '0'], '--rounds must be a whole number from 1 to 100, got 0'],
    [['--outstanding', '513'], '--outstanding must be a whole number from 1 to 512, got 513'],
    [['--requests', 'many'], '--requests must be a whole number from 1000 to 1000000, got "many"'],
    [['--jsn'], "Unknown option '--jsn'"],
  ])('%j is refused', (args, message) => {
    expect(() => parseBenchOptions(args)).toThrow(message)
  })
})

describe('the command', () => {
  test('prints the rows as JSON and nothing else', async () => {
    const { exitCode, stdout, output } = await bench('spillway', '--json', '--requests', '1000', '--rounds', '1')
    expect(exitCode, output).toBe(0)
    expect(JSON.parse(stdout)).toEqual(
      ['spillway five-stages', 'spillway promised inference'].map((name) => ({
        name,
        outstanding: 256,
        requestsPerSecond: expect.any(Number) as number,
        p50Us: expect.any(Number) as number,
        p99Us: expect.any(Number) as number,
      })),
    )
  })

  test('says which names there are', async () => {
    const { exitCode, stdout, output } = await bench('six-stages')
    expect(exitCode).toBe(1)
    expect(stdout).toBe('')
    expect(output).toContain('there is no benchmark or row "six-stages"; known are five-stages, ')
  })
})

describe('the measurement', () => {
  test('refuses an answer that is not the expected one', async () => {
    const shouting = createSpillwayContender((prompt) => ({ ...inference(prompt), tokens: ['HELLO'] }))
    await expect(closedLoop(shouting, { outstanding: 4, requests: 10 })).rejects.toThrow(/expected CONTEXT.*got HELLO/)
  })

  test('refuses a request that was not completed', async () => {
    const failing = createSpillwayContender(() => {
      throw new Error('no')
    })
    await expect(closedLoop(failing, { outstanding: 4, requests: 10 })).rejects.toThrow('a request was failed')
  })

  test('refuses books that do not agree', async () => {
    const contender = createSpillwayContender(inference)
    await closedLoop(contender, { outstanding: 4, requests: 10 })
    await expect(contender.check(11)).rejects.toThrow('11 requests have completed; the ledger says {"submitted":10')
    await contender.check(10)
  })

  test('tells the median and the spread; nothing where nothing was measured', () => {
    const rounds = [300, 100, 200].map((requestsPerSecond) => ({ requestsPerSecond, p50Us: 1, p99Us: 2 }))
    expect(summarize('a', 'note', 256, rounds)).toEqual({
      row: { name: 'a', outstanding: 256, requestsPerSecond: 200, p50Us: 1, p99Us: 2 },
      note: 'note',
      slowest: 100,
      fastest: 300,
    })
    expect(summarize('b', 'note', 256, []).row).toMatchObject({ requestsPerSecond: null, p50Us: null, p99Us: null })
  })
})
