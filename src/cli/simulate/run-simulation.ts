import { writeFile } from 'node:fs/promises'
import { fileFault } from '../../retrieval/file-fault.ts'
import { meetsGoal } from '../../simulation/goal.ts'
import { simulationHtml } from '../../simulation/report/simulation-html.ts'
import { sweepHtml } from '../../simulation/report/sweep-html.ts'
import { simulationTable } from '../../simulation/report/simulation-table.ts'
import type { Scenario } from '../../simulation/scenario.ts'
import { simulate } from '../../simulation/simulate.ts'
import { sweep, type SweepRow } from '../../simulation/sweep.ts'
import type { SimulateSettings } from './simulate-settings.ts'
import type { SimulationFile } from './simulation-file.ts'
import { sweepSetting } from './sweep-option.ts'
import { sweepTable } from './sweep-table.ts'
import { type Verdict, verdictOn } from './verdict.ts'

/** Where a command's output goes. */
export interface SimulateOutput {
  /** Writes a line of data. */
  readonly print: (line: string) => Promise<void>
  /** Writes a line about it. */
  readonly say: (line: string) => void
  /** Shows how many of all simulated seconds are done; each is more than the one before. */
  readonly progress: (done: number, total: number) => void
  /** Told when all are, before data is written. */
  readonly simulated: () => void
}

/**
 * Simulates what a file says, once or with all combinations of the limits that are to be tried, and writes what came of
 * it.
 *
 * @returns The exit code: 0 where there is no goal, or it is met.
 * @throws Error or RangeError that names what is wrong with the file or an option.
 */
export async function runSimulation(
  file: SimulationFile,
  settings: SimulateSettings,
  output: SimulateOutput,
): Promise<number> {
  const { sweeps, seed } = settings
  const scenario = seed === undefined ? file.scenario : { ...file.scenario, seed }
  const work = sweeps.length === 0 ? once : combined
  return work(file, scenario, settings, output)
}

async function once(
  { definition, located }: SimulationFile,
  scenario: Scenario,
  { json, html, goal }: SimulateSettings,
  output: SimulateOutput,
): Promise<number> {
  const onProgress = progressOf(scenario, 1, output)
  const report = await simulate(definition, scenario, { onProgress }).catch((error: unknown) => {
    throw located(error)
  })
  output.simulated()
  await output.print(json ? JSON.stringify(report) : simulationTable(report))
  if (html !== undefined) await writePage(html, simulationHtml(report))
  return goal === undefined ? 0 : tell(verdictOn([{ tried: {}, report }], goal), json, output)
}

async function combined(
  { definition, located }: SimulationFile,
  scenario: Scenario,
  { json, html, sweeps, goal }: SimulateSettings,
  output: SimulateOutput,
): Promise<number> {
  const names = definition.topology.stages.map(({ name }) => name)
  const tried = sweeps.map((text) => sweepSetting(text, names))
  const count = tried.reduce((product, { values }) => product * values.length, 1)
  const onProgress = progressOf(scenario, count, output)
  const rows = await sweep(definition, scenario, tried, { onProgress }).catch((error: unknown) => {
    if (!(error instanceof RangeError) || !error.message.startsWith('settings ')) throw located(error)
    throw new RangeError(error.message.replace('settings', '--sweep'), { cause: error })
  })
  output.simulated()
  const verdict = goal && verdictOn(rows, goal)
  const lines = json
    ? rows.map((row) => JSON.stringify(jsonOf(row, goal, verdict)))
    : sweepTable(rows, tried, goal?.terms)
  for (const line of lines) await output.print(line)
  if (html !== undefined) await writePage(html, sweepHtml(rows, tried))
  return verdict === undefined ? 0 : tell(verdict, json, output)
}

async function writePage(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((error: unknown) => {
    throw new Error(`--html ${JSON.stringify(file)}: ${fileFault(error)}`, { cause: error })
  })
}

function jsonOf(row: SweepRow, goal: SimulateSettings['goal'], verdict: Verdict | undefined): object {
  if (goal === undefined) return row
  return {
    tried: row.tried,
    met: meetsGoal(row.report, goal.terms),
    cheapest: row === verdict?.best,
    report: row.report,
  }
}

async function tell({ best, lines }: Verdict, json: boolean, { print, say }: SimulateOutput): Promise<number> {
  if (json) lines.forEach(say)
  else for (const line of ['', ...lines]) await print(line)
  return best === undefined ? 1 : 0
}

function progressOf(
  { durationMs, warmupMs = 0 }: Scenario,
  simulations: number,
  { progress }: SimulateOutput,
): (share: number) => void {
  const total = Math.ceil(((durationMs + warmupMs) * simulations) / 1_000)
  let shown = 0
  return (share) => {
    const done = Math.round(share * total)
    if (done > shown) progress(done, total)
    shown = done
  }
}
