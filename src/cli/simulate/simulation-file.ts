import { dirname, resolve } from 'node:path'
import { messageOf } from '../../../operators/index.ts'
import { type Pipeline, pipeline } from '../../pipeline/pipeline.ts'
import { chatPipeline } from '../../preset.ts'
import type { Arrivals } from '../../simulation/arrivals.ts'
import type { Scenario, ServiceTime } from '../../simulation/scenario.ts'
import { echo } from '../../workers/index.ts'
import { locatedFault } from './located-error.ts'
import type { MetricsReader } from './metrics-reader.ts'
import { nearestName } from './nearest-name.ts'
import { type FileFault, type PositionedFile, readPositioned } from './positioned-file.ts'
import { readTrace } from './read-trace.ts'
import { shapeFaults } from './shape-faults.ts'
import {
  type MetricsSource,
  simulationSchema,
  type WrittenArrivals,
  type WrittenSimulation,
  type WrittenStage,
} from './simulation-schema.ts'

/** What a file says is to be simulated. */
export interface SimulationFile {
  readonly definition: Pipeline<unknown, unknown, string>
  readonly scenario: Scenario
  /** The error of a simulation, at the place of the file that it names; where it names none, the error itself. */
  readonly located: (error: unknown) => unknown
}

/**
 * Reads what is to be simulated, with the files and the metrics that it names: files are looked for in its own folder.
 *
 * @throws Error that tells in a line each what is wrong: `FILE:LINE:COL path: what is wrong`.
 */
export async function readSimulation(path: string, metrics: MetricsReader): Promise<SimulationFile> {
  const file = await readPositioned(path)
  const parsed = simulationSchema.safeParse(file.value)
  if (!parsed.success) throw file.error(shapeFaults(file.value, parsed.error))
  const faults: FileFault[] = []
  const written = parsed.data
  const folder = dirname(path)
  const definition = definedBy(written, file, faults)
  const { arrivals, service, admission, scale, ...others } = written.simulation
  const names = (written.stages ?? definition.topology.stages).map(({ name }) => name)
  faults.push(...strangersIn(service, names))
  const scenario = {
    ...others,
    arrivals: await attempt(faults, ['simulation', 'arrivals'], () => arrivalsOf(arrivals, folder)),
    service: Object.fromEntries(
      await Promise.all(
        Object.entries(service).map(async ([stage, time]) => {
          const place = ['simulation', 'service', stage]
          return [stage, await attempt(faults, place, () => timeOf(time, stage, folder, metrics))] as const
        }),
      ),
    ),
    start: { ...(admission !== undefined && { admission }), ...(scale !== undefined && { scale }) },
  } as Scenario
  if (faults.length > 0) throw file.error(faults)
  return {
    definition,
    scenario,
    located(error) {
      const fault = locatedFault(error, file, ['simulation'])
      return fault === undefined ? error : file.error([fault])
    },
  }
}

function definedBy(
  { name = 'chat', stages }: WrittenSimulation,
  file: PositionedFile,
  faults: FileFault[],
): Pipeline<unknown, unknown, string> {
  if (stages === undefined) return chatPipeline({ worker: echo() }) as unknown as Pipeline<unknown, unknown, string>
  if (name === '') faults.push({ path: ['name'], text: 'must not be empty' })
  if (stages.length === 0) faults.push({ path: ['stages'], text: 'must not be empty' })
  let definition = pipeline<unknown>(name || 'chat') as Pipeline<unknown, unknown, string>
  const names = stages.map((stage) => stage.name)
  for (const [index, stage] of stages.entries()) {
    const place = ['stages', index]
    if (stage.name === '') faults.push({ path: [...place, 'name'], text: 'must not be empty' })
    if (names.indexOf(stage.name) !== index) {
      faults.push({ path: [...place, 'name'], text: `must not be that of another stage, got "${stage.name}"` })
    }
    try {
      definition = definition.stage(stage.name || 'unnamed', passOn, limitsOf(stage))
    } catch (error) {
      const message = messageOf(error).slice(`stage ${JSON.stringify(stage.name)}: `.length)
      const fault = locatedFault(new RangeError(message), file, place)
      if (fault === undefined) throw error
      faults.push(fault)
    }
  }
  return definition
}

/** What of a stage's keys its channel is made of. */
function limitsOf(stage: WrittenStage): Parameters<Pipeline<unknown, unknown>['stage']>[2] {
  const { capacity, concurrency, overflow, overload, ttlMs, timeoutMs, wait } = stage
  const given = Object.entries({ concurrency, overflow, overload, ttlMs, timeoutMs, wait })
  return { capacity, ...Object.fromEntries(given.filter(([, value]) => value !== undefined)) }
}

/** The simulation puts its own work in its place. */
function passOn(value: unknown): unknown {
  return value
}

function strangersIn(service: object, names: readonly string[]): readonly FileFault[] {
  const strangers = Object.keys(service).filter((name) => !names.includes(name))
  return strangers.map((name) => {
    const nearest = nearestName(name, names)
    const hint = nearest === undefined ? `its stages are ${names.join(', ')}` : `did you mean "${nearest}"?`
    return { path: ['simulation', 'service', name], atKey: true, text: `the pipeline has no such stage; ${hint}` }
  })
}

async function arrivalsOf(arrivals: WrittenArrivals, folder: string): Promise<Arrivals> {
  if (!('file' in arrivals)) return arrivals
  if ('atMs' in arrivals) throw new Error('must have either atMs or file, got both')
  return { kind: 'trace', atMs: await readTrace(resolve(folder, arrivals.file)) }
}

async function timeOf(
  time: ServiceTime | MetricsSource,
  stage: string,
  folder: string,
  metrics: MetricsReader,
): Promise<ServiceTime> {
  if (typeof time === 'number' || !('kind' in time) || time.kind !== 'metrics') return time
  const { url, file } = time
  if ((url === undefined) === (file === undefined)) {
    throw new Error(`must have either url or file, got ${url === undefined ? 'neither' : 'both'}`)
  }
  if (url === undefined) return metrics.serviceTime({ file: resolve(folder, file as string) }, stage)
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return metrics.serviceTime({ url }, stage)
  throw new Error(`must have an http or https address as its url, got ${JSON.stringify(url)}`)
}

/** What is wrong is told at the place where it was asked for. */
async function attempt<T>(
  faults: FileFault[],
  path: FileFault['path'],
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    faults.push({ path, text: messageOf(error) })
    return undefined
  }
}
