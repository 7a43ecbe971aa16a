import { checkLife } from '../../actors/index.ts'
import { type RandomSource, reportUnhandled } from '../../operators/index.ts'
import type { StageDefinition } from '../pipeline/create-stage.ts'
import { insideOf } from '../pipeline/inside-of.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import type { Running } from '../pipeline/running.ts'
import { withStages } from '../pipeline/with-stages.ts'
import { VirtualClock } from '../testing/virtual-clock.ts'
import { arrivalTimes } from './arrivals.ts'
import { drawFrom } from './distribution.ts'
import { Groups } from './groups.ts'
import { Recorder } from './recorder.ts'
import { checkScenario, type Scenario, type StageTrial } from './scenario.ts'
import { seededSources } from './seeded-random.ts'
import { SimulatedStage, type Window } from './simulated-stage.ts'
import type { SimulationReport } from './simulation-report.ts'

/** Parts into which a simulation is cut, between which others have their turn. */
const slices = 200

/** How a simulation is followed and called off. */
export interface SimulateOptions {
  /** Rejects with its reason once it is aborted. */
  readonly signal?: AbortSignal
  /** Told what share is done, 0 … 1, now and then. */
  readonly onProgress?: (share: number) => void
}

/**
 * Runs a pipeline in virtual time with handlers that take as long as they are said to: its own channels, admission,
 * deadlines and supervisors, so what it answers is what the pipeline will do. The same scenario and seed give the same
 * report.
 *
 * @example
 * ```ts
 * const report = await simulate(chatPipeline({ worker: echo() }), {
 *   arrivals: { kind: 'poisson', perSecond: 20 },
 *   service: {
 *     rag: { kind: 'exponential', meanMs: 10 },
 *     assemble: 0.1,
 *     inference: { kind: 'log-normal', medianMs: 700, p99Ms: 4_000 },
 *     post: 0,
 *     stream: 0,
 *   },
 *   durationMs: 3_600_000,
 * })
 * console.log(report.bottleneck, report.shedRate, report.latency.p99Ms)
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and what is allowed.
 */
export async function simulate<Request, Output, Stage extends string>(
  definition: Pipeline<Request, Output, Stage>,
  scenario: Scenario<Request, Stage>,
  options: SimulateOptions = {},
): Promise<SimulationReport> {
  const { signal, onProgress } = options
  const simulation = new Simulation(
    definition as unknown as Pipeline<unknown, unknown, string>,
    scenario as unknown as Scenario,
  )
  for (let done = 1; done <= slices; done++) {
    simulation.advance(done / slices)
    onProgress?.(done / slices)
    await simulation.clock.settle()
    signal?.throwIfAborted()
  }
  return simulation.finish()
}

class Simulation {
  readonly clock: VirtualClock = new VirtualClock({ maxSteps: Number.MAX_SAFE_INTEGER })
  private readonly window: Window
  private readonly running: Running<unknown, unknown>
  private readonly recorder: Recorder
  private readonly nextArrival: () => number
  private readonly request: (index: number) => unknown
  private readonly streams: boolean
  private readonly groups: Groups | undefined
  private submitted = 0

  constructor(definition: Pipeline<unknown, unknown, string>, scenario: Scenario) {
    const { clock } = this
    const { stages: defined } = definition.topology
    const {
      durationMs,
      warmupMs,
      seed,
      stages: trials,
    } = checkScenario(
      scenario,
      defined.map(({ name }) => name),
    )
    const source = seededSources(seed)
    this.window = { fromMs: warmupMs, toMs: warmupMs + durationMs }
    const random = source()
    this.nextArrival = arrivalTimes('arrivals', scenario.arrivals, source())
    this.request = scenario.request ?? plainRequests(scenario.deadlineMs, source())
    this.streams = Object.values(scenario.service).some((time) => typeof time === 'object' && 'firstChunk' in time)
    const hasDeadlines = scenario.deadlineMs !== undefined || scenario.request !== undefined
    const works = defined.map(({ name, timeoutMs }) => {
      const calledOff = hasDeadlines || timeoutMs !== Infinity
      const onHandedOn = (): void => {
        this.recorder.noteDepth(clock.now())
      }
      const ground = { clock, window: this.window, random: source(), calledOff, onHandedOn }
      return new SimulatedStage(name, scenario.service[name] as number, ground)
    })
    const simulated = withStages(definition, (stage, index) =>
      trialOf(stage, works[index] as SimulatedStage, trials[stage.name]),
    )
    this.running = simulated.start({ ...scenario.start, clock, random })
    this.recorder = new Recorder(this.running, insideOf(this.running).nodes, works, { ...this.window, seed })
    this.recorder.watch(clock)
    const { group } = scenario
    const groups = group && new Groups(group)
    this.groups = groups
    if (groups !== undefined) {
      this.running.outcomes$.subscribe({
        next: (outcome) => {
          groups.ended(outcome)
        },
        error: reportUnhandled,
      })
    }
    this.expect()
  }

  /** Goes on until a share of all time has passed. */
  advance(share: number): void {
    this.clock.advanceSync(this.window.toMs * share - this.clock.now())
  }

  /** Lets what has been let in run to its end. */
  async finish(): Promise<SimulationReport> {
    const { clock, running } = this
    const drained = running.drain({ timeoutMs: Number.MAX_SAFE_INTEGER })
    await clock.settle()
    while (running.ledger().inFlight > 0 && clock.pending > 0) clock.advanceSync(this.window.toMs / slices)
    await clock.runAll()
    await drained
    return { ...this.recorder.report(), ...(this.groups !== undefined && { groups: this.groups.figures }) }
  }

  private expect(): void {
    const at = this.nextArrival()
    if (at >= this.window.toMs) return
    this.clock.setTimeout(() => {
      const request = this.request(this.submitted++)
      const reply = this.running.submit(request)
      if (at >= this.window.fromMs) this.groups?.came(request, reply)
      // A stream runs while it is read.
      if (this.streams) reply.output$.subscribe({ error: ignore })
      this.recorder.noteDepth(this.clock.now())
      this.expect()
    }, at - this.clock.now())
  }
}

function ignore(): void {
  // How it ended is counted by the outcomes.
}

function plainRequests(deadlineMs: Scenario['deadlineMs'], random: RandomSource): (index: number) => unknown {
  if (deadlineMs === undefined) return () => ({})
  const draw = drawFrom('deadlineMs', deadlineMs, random)
  return () => ({ deadlineMs: draw() })
}

/** The stage with its work and its limits replaced; nothing is acquired, and nothing is kept when a request is lost. */
function trialOf(stage: StageDefinition, { handler }: SimulatedStage, trial: StageTrial = {}): StageDefinition {
  const { deadLetter: _, ...settings } = stage.settings
  return { ...stage, handler, settings: { ...settings, ...trial }, life: checkLife({}) }
}
