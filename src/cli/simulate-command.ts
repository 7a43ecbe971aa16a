import { Command } from 'commander'
import { SpillwayError, systemClock } from '../../operators/index.ts'
import { lineOutput, OutputClosed } from './dead-letters/output.ts'
import { createProgressLine } from './progress-line.ts'
import { MetricsReader } from './simulate/metrics-reader.ts'
import { runSimulation } from './simulate/run-simulation.ts'
import { type SimulateArguments, type SimulateSettings, simulateSettings } from './simulate/simulate-settings.ts'
import { readSimulation } from './simulate/simulation-file.ts'

/**
 * `spillway simulate`: what a pipeline does with the traffic that a file describes.
 *
 * @param fail Told what is wrong with the command line or the file; does not return.
 */
export function createSimulateCommand(fail: (error: unknown) => never): Command {
  return new Command('simulate')
    .description('run a pipeline in virtual time: what is shed, how long requests take, which limits would do')
    .argument('<file>', 'what is simulated, in YAML or JSON; the form is below')
    .option('--json', 'print the report as a line of JSON, or a line for each combination')
    .option('--html <file>', 'write a page with pictures, too')
    .option('--seed <number>', 'a whole number, in place of that of the file')
    .option(
      '--sweep <setting>',
      'try other limits: stage.capacity=64..4096 (doubled), =64..4096:64 (in steps), stage.concurrency=4,8,16; ' +
        'more than one: all combinations, at most 1,000',
      (setting: string, before: readonly string[] | undefined) => [...(before ?? []), setting],
    )
    .option('--goal <conditions>', 'say which limits meet it, and which is the cheapest: "p99<2s shed<0.1%"')
    .addHelpText('after', help)
    .action(async (path: string, given: SimulateArguments) => {
      let settings: SimulateSettings
      try {
        settings = simulateSettings(given)
      } catch (error) {
        return fail(error)
      }
      const line = createProgressLine(process.stderr, systemClock, 'simulated seconds')
      try {
        const [apiKey] = process.env['SPILLWAY_API_KEY']?.split(',') ?? []
        const file = await readSimulation(path, new MetricsReader(systemClock, apiKey || undefined))
        process.exitCode = await runSimulation(file, settings, {
          print: lineOutput(process.stdout),
          say: (text) => {
            console.error(text)
          },
          progress: (done, total) => {
            line.show({ done, total })
          },
          simulated: () => {
            line.end()
          },
        })
      } catch (error) {
        if (error instanceof OutputClosed) {
          process.exitCode = 1
          return
        }
        // Anything else is a fault of ours, and its stack trace is worth more than a sentence.
        if (isTold(error)) fail(error)
        throw error
      }
    })
}

function isTold(error: unknown): boolean {
  if (error instanceof SpillwayError) return true
  return error instanceof Error && (error.constructor === Error || error.constructor === RangeError)
}

const help = `
The file has the keys of the configuration file that are about channels, and a block for the simulation:

  name: chat
  stages:                # default: those of the preset, rag, assemble, inference, post and stream
    - name: inference
      capacity: 512      # and concurrency, overflow, overload, ttlMs, timeoutMs, wait
      concurrency: 16
  simulation:
    arrivals: { kind: poisson, perSecond: 20 }    # constant, bursty, on-off; { kind: trace, file: arrivals.csv }
    durationMs: 3600000  # and warmupMs, seed, deadlineMs, admission, scale
    service:             # of each stage: milliseconds or a distribution
      inference: { kind: log-normal, medianMs: 700, p99Ms: 4000 }    # constant, exponential, pareto, empirical
      # or as a server has measured it: { kind: metrics, url: http://127.0.0.1:8080/metrics }, or file: metrics.txt

Files that it names are looked for beside it; a trace has one time in a line, in milliseconds from the start.

Conditions of a goal are p50, p90, p99, p999 (of completed requests, ms or s), shed and expired (%), each with < or <=,
and goodput with > or >= (/s). The cheapest that meets it has the smallest sum over all stages of concurrency, then of
capacity. All combinations have the same arrivals and service times, those of the seed.

Environment:
  SPILLWAY_API_KEY     the bearer token that servers on this machine are shown whose metrics are read

Data goes to standard output, all else to standard error. The exit code is 0 when it was simulated, and the goal was met
where there is one.`
