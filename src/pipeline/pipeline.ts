import { checkFunction, checkText } from '../../operators/index.ts'
import type { Handler, ReplyOutput, StageOutput } from '../handler.ts'
import type { StageDefinition } from './create-stage.ts'
import { TopologyError } from './errors.ts'
import type { Running, StageTypes } from './running.ts'
import { Runtime } from './runtime.ts'
import { checkStageOptions, type StageOptions, type StageSettings } from './stage-options.ts'
import { checkStartOptions, type StartOptions } from './start-options.ts'

/** A pipeline as plain data. */
export interface Topology {
  readonly name: string
  readonly stages: readonly ({ readonly name: string } & StageSettings)[]
}

/**
 * A pipeline's definition: stages in order, each fed by the one before through a bounded channel. It does
 * nothing until it is started, and can be started any number of times.
 */
export class Pipeline<
  Request,
  Current,
  Stage extends string = never,
  // Who names the type by hand need not say what goes into each stage; `unknown` would fit no pipeline.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  Types extends Readonly<Record<Stage, StageTypes>> = any,
> {
  readonly name: string
  private readonly definitions: readonly StageDefinition[]

  constructor(name: string, definitions: readonly StageDefinition[]) {
    this.name = name
    this.definitions = definitions
  }

  /** The pipeline as plain data: check it, draw it, compare it. */
  get topology(): Topology {
    return { name: this.name, stages: this.definitions.map(({ name, settings }) => ({ name, ...settings })) }
  }

  /**
   * This pipeline with one stage more at its end; the definition itself does not change.
   *
   * The type of `context.state` is inferred from `setup`, where that has no parameter or annotates it
   * (`(context: StageSetupContext) => …`).
   *
   * @throws RangeError or TypeError that names the stage, the option, its value and the allowed range.
   */
  stage<Name extends string, Output, State = undefined>(
    name: Name,
    handler: Handler<Current, Output, Request, State>,
    options: StageOptions<Current, Request, State>,
  ): Pipeline<
    Request,
    StageOutput<Output>,
    Stage | Name,
    Types &
      Readonly<
        Record<
          Name,
          { readonly request: Request; readonly input: Current; readonly output: Output; readonly state: State }
        >
      >
  > {
    const definition = {
      name: checkText('stage name', name),
      handler: checkFunction(`stage ${JSON.stringify(name)}: handler`, handler) as StageDefinition['handler'],
      ...checkStageOptions(name, options),
    }
    return new Pipeline(this.name, [...this.definitions, definition])
  }

  /**
   * Starts the pipeline; it takes requests at once.
   *
   * @throws TopologyError that names every fault of the definition; RangeError or TypeError for an option.
   */
  start(options: StartOptions = {}): Running<Request, ReplyOutput<Current>, Stage, Types> {
    const settings = checkStartOptions(options)
    const faults = this.faults(settings.deadLetters !== undefined)
    if (faults.length > 0) throw new TopologyError(`pipeline ${JSON.stringify(this.name)}: ${faults.join('; ')}`)
    // Inside, requests and values have no types of their own: the builder has checked that they fit.
    return new Runtime(this.name, this.definitions, settings) as unknown as Running<
      Request,
      ReplyOutput<Current>,
      Stage,
      Types
    >
  }

  private faults(keepsLetters: boolean): readonly string[] {
    const names = this.definitions.map(({ name }) => name)
    const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index))
    const faults = [...twice].map((name) => `two stages are named ${JSON.stringify(name)}`)
    for (const { name, settings } of keepsLetters ? [] : this.definitions) {
      if (settings.deadLetter === undefined) continue
      faults.push(`stage ${JSON.stringify(name)} has deadLetter, so start needs the option deadLetters: where they go`)
    }
    return names.length === 0 ? ['it has no stage'] : faults
  }
}

/**
 * Begins the definition of a pipeline.
 *
 * @example
 * ```ts
 * const shout = pipeline<string>('shout')
 *   .stage('upper', (text) => text.toUpperCase(), { capacity: 64 })
 *   .stage('mark', (text) => `${text}!`, { capacity: 64 })
 * const running = shout.start()
 * const outcome = await running.submit('hello').outcome
 * ```
 */
export function pipeline<Request>(name: string): Pipeline<Request, Request, never, object> {
  return new Pipeline(checkText('pipeline name', name), [])
}
