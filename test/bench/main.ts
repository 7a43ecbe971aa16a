/** `npm run bench`: Spillway and its peers side by side, measured in turns; and reports, by name. */
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import type { RoundFigures, RoundSize } from './closed-loop.ts'
import { type BenchOptions, parseBenchOptions, usage } from './bench-options.ts'
import { fiveStages } from './five-stages.ts'
import { formatReport, type Report } from './report.ts'
import { type MeasuredRow, summarize } from './row.ts'
import { formatTable } from './table.ts'
import type { Variant } from './variant.ts'

/** Benchmarks that measure contenders in turns, by name. */
const races: Readonly<Record<string, () => readonly Variant[]>> = { 'five-stages': fiveStages }

/** Benchmarks that find something out by themselves, by name; loaded when they are asked for. */
const reports: Readonly<Record<string, () => Promise<Report>>> = {
  redaction: async () => (await import('./redaction.ts')).redaction(),
  assemble: async () => (await import('./assemble.ts')).assembling(),
  children: async () => (await import('./children.ts')).children(),
  'dead-letters': async () => (await import('./dead-letters.ts')).deadLetters(),
  idle: async () => (await import('./idle.ts')).idle(),
  ingest: async () => (await import('./ingest.ts')).ingesting(),
  overload: async () => (await import('./overload.ts')).overload(),
  'redis-away': async () => (await import('./redis-away.ts')).redisAway(),
  retrieval: async () => (await import('./retrieval.ts')).retrieval(),
  search: async () => (await import('./search.ts')).search(),
  simulation: async () => (await import('./simulation.ts')).simulation(),
  'simulation-against-real': async () => (await import('./simulation-against-real.ts')).simulationAgainstReal(),
  splits: async () => (await import('./splits.ts')).splits(),
  targets: async () => (await import('./targets.ts')).targets(),
}

/** A name picks a whole benchmark, or the rows that contain it. */
function select(names: readonly string[]): readonly Variant[] {
  const all = Object.entries(races).flatMap(([benchmark, create]) =>
    create().map((variant) => ({ benchmark, variant })),
  )
  const fits = (name: string): typeof all => {
    const whole = all.filter(({ benchmark }) => benchmark === name)
    return whole.length > 0 ? whole : all.filter(({ variant }) => variant.name.includes(name))
  }
  for (const name of names) {
    if (fits(name).length === 0) {
      const known = [...Object.keys(races), ...Object.keys(reports), ...all.map(({ variant }) => variant.name)].join(
        ', ',
      )
      throw new RangeError(`there is no benchmark or row ${JSON.stringify(name)}; known are ${known}`)
    }
  }
  const chosen = new Set((names.length === 0 ? [all] : names.map(fits)).flat())
  return [...chosen].map(({ variant }) => variant)
}

async function measure(variants: readonly Variant[], options: BenchOptions): Promise<readonly MeasuredRow[]> {
  const { outstanding, requests, rounds } = options
  const size: RoundSize = { outstanding, requests }
  const figures = new Map<Variant, RoundFigures[]>(variants.map((variant) => [variant, []]))
  try {
    const ready: Variant[] = []
    for (const variant of variants) {
      console.error(`preparing ${variant.name}`)
      if (await variant.prepare(size)) ready.push(variant)
    }
    // In turns, so that the machine's other work hits all alike.
    for (let round = 1; round <= rounds; round++) {
      console.error(`round ${round} of ${rounds}`)
      for (const variant of ready) figures.get(variant)!.push(await variant.round(size))
    }
  } finally {
    for (const variant of variants) variant.close()
  }
  return variants.map((variant) => summarize(variant.name, variant.note, outstanding, figures.get(variant)!))
}

async function save(rows: readonly MeasuredRow[], { requests, rounds }: BenchOptions): Promise<void> {
  const cores = cpus()
  const results = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cores[0]?.model ?? 'unknown'}, ${cores.length} cores`,
    node: process.version,
    requests,
    rounds,
    rows: rows.map(({ row, slowest, fastest, note }) => ({
      ...row,
      slowest: Math.round(slowest),
      fastest: Math.round(fastest),
      note,
    })),
  }
  await writeFile(new URL('results.json', import.meta.url), `${JSON.stringify(results, undefined, 2)}\n`)
}

async function main(args: readonly string[]): Promise<void> {
  const options = parseBenchOptions(args)
  if (options.help) {
    console.log(usage)
    return
  }
  const { names } = options
  for (const name of names) if (Object.hasOwn(reports, name)) await tell(reports[name]!, options)
  const raced = names.filter((name) => !Object.hasOwn(reports, name))
  if (names.length === 0 || raced.length > 0) await race(raced, options)
}

async function tell(report: () => Promise<Report>, { json }: BenchOptions): Promise<void> {
  const found = await report()
  console.log(json ? JSON.stringify(found) : `\n${formatReport(found)}`)
  if (found.lines.some(({ met }) => met === false)) process.exitCode = 1
}

async function race(names: readonly string[], options: BenchOptions): Promise<void> {
  const { outstanding, requests, rounds, json } = options
  const rows = await measure(select(names), options)
  if (options.save) await save(rows, options)
  if (json) {
    console.log(JSON.stringify(rows.map(({ row }) => row)))
    return
  }
  console.log(`\n${rounds} rounds of ${requests} requests, ${outstanding} outstanding; medians\n`)
  console.log(formatTable(rows))
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
