import { parseArgs } from 'node:util'
import { checkInteger } from '../../operators/index.ts'

/** What the bench was asked for. */
export interface BenchOptions {
  /** Print the rows as JSON and nothing else. */
  readonly json: boolean
  /** Write the rows and what they were measured on to `results.json`. */
  readonly save: boolean
  readonly help: boolean
  /** Requests under way at the same time. */
  readonly outstanding: number
  /** Requests of one round. */
  readonly requests: number
  /** Measured rounds. */
  readonly rounds: number
  /** Parts of the names of benchmarks or rows; none means all. */
  readonly names: readonly string[]
}

export const usage = `Usage: npm run bench -- [options] [name …]

  name               a benchmark (five-stages), or a part of a row's name (tokio); default: all of these;
                     or a report (retrieval, search, splits, targets), whose exit code says whether all that is asked was met
  --json             print the rows as JSON and nothing else on standard output
  --save             write the rows to test/bench/results.json, with machine, versions and date
  --outstanding N    requests under way at the same time, 1 … 512; default 256
  --requests N       requests of one round, 1,000 … 1,000,000; default 100,000
  --rounds N         measured rounds, 1 … 100; default 5
  --help             print this`

/**
 * Reads the bench's command line.
 *
 * @throws Error naming the option that is unknown, or its value and the allowed range.
 */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      save: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      outstanding: { type: 'string', default: '256' },
      requests: { type: 'string', default: '100000' },
      rounds: { type: 'string', default: '5' },
    },
  })
  const { json, save, help } = values
  return {
    json,
    save,
    help,
    // With more than fit in the smallest channel, some would be shed and the rate be that of refusals.
    outstanding: wholeNumber('--outstanding', values.outstanding, 1, 512),
    requests: wholeNumber('--requests', values.requests, 1_000, 1_000_000),
    rounds: wholeNumber('--rounds', values.rounds, 1, 100),
    names: positionals,
  }
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  return checkInteger(option, /^\d+$/.test(text) ? Number(text) : text, { min, max })
}
