import {
  checkFunction,
  checkInteger,
  checkKeys,
  checkNumber,
  checkOverflow,
  type OverflowStrategy,
  systemRandom,
} from '../../operators/index.ts'
import {
  checkLife,
  checkOnCrash,
  lifeKeys,
  type LifeOptions,
  type LifeSettings,
  type SetupContext,
} from '../../actors/index.ts'
import type { Logger } from '../logger.ts'
import type { DeadLetterKind } from '../stores/dead-letter-store.ts'
import { checkDeadLetter } from './check-dead-letter.ts'
import type { StageRanking } from './stage-ranking.ts'
import { createStageOverload, plainPolicy, type StageOverload } from './stage-overload.ts'
import { checkWait, type StageWait, type WaitSettings } from './stage-wait.ts'

/** What a stage's `setup` is told. */
export interface StageSetupContext extends SetupContext {
  /** Carries the stage's name. */
  readonly logger: Logger
}

/** How much a stage takes at once, how long it may take, what it needs, and what happens beyond. */
export interface StageOptions<Input = unknown, Request = unknown, State = unknown> extends LifeOptions<
  State,
  StageSetupContext
> {
  /** Requests (or, with `weight`, units) that may wait before the stage, 0 …. */
  readonly capacity: number
  /** Handlers that may run at once, 1 …; default 1. */
  readonly concurrency?: number
  /**
   * What gives way when the channel is full; default `'drop-newest'`. `'drop-oldest'` puts out the oldest that waits,
   * `{ drop: 'lowest', priority }` what has a lower priority than the newcomer. `'fail'` closes the channel: what waits
   * and what came fail, and the pipeline drains and has failed.
   *
   * With admission at the door nothing that was let in is ever put out, so this shows with `admission: 'stage'`, or
   * with `weight`, only.
   */
  readonly overflow?: StageOverflow<Input, Request>
  /** Sheds before the channel is full, by how long requests wait; default nothing does. */
  readonly overload?: StageOverload<Request>
  /** Milliseconds that a request may wait before the stage, 1 …; then it is `expired`. Default no limit. */
  readonly ttlMs?: number
  /**
   * Units of the capacity that a request takes up while it waits, finite and more than 0; default 1. What weighs more
   * than the whole capacity starts if a slot is free, and is otherwise shed as `'too-large'`. Such a channel decides
   * for itself also where admission is at the door. Asked once when the request arrives, with what the stage is given
   * and the request as it was submitted; a request whose weight cannot be told fails.
   */
  readonly weight?: (value: Input, request: Request) => number
  /**
   * Starts what is higher first, and what is equal in order of arrival; default all are equal.
   * `{ drop: 'lowest', priority }` brings its own. Asked as `weight` is.
   */
  readonly priority?: (value: Input, request: Request) => number
  /** Milliseconds from the start of a handler to its value or its stream's first chunk; default no limit. */
  readonly timeoutMs?: number
  /**
   * Lets requests wait for room instead of being shed at once; default none does. With admission at the door they wait
   * there, by the terms of the stage that is full, and otherwise before the channel. Who waits holds neither a slot nor
   * a place in the channel, and goes in before those who come later. Not with `overflow: 'fail'`, which sheds nothing.
   */
  readonly wait?: StageWait
  /**
   * Which requests that end at this stage, by how they end, are kept in the `deadLetters` that the pipeline is started
   * with; default none. One whose `deadlineMs` is no time never is: it could not run later either.
   */
  readonly deadLetter?: readonly DeadLetterKind[]
}

/** Puts out what has a lower priority than the newcomer. */
export interface StageDropLowest<Input = unknown, Request = unknown> {
  readonly drop: 'lowest'
  /** Any number, higher matters more; asked once when a request arrives at the stage. */
  readonly priority: (value: Input, request: Request) => number
}

/** Keeps for each tenant its share: has tenants start in turns, and puts out the newest of whoever takes up the most. */
export interface StageDropOverShare<Input = unknown, Request = unknown> {
  readonly drop: 'over-share'
  /** Whose a request is; asked once when it arrives at the stage. */
  readonly tenant: (value: Input, request: Request) => string
  /** The part of a request's tenant beside those of the others that have something waiting, 1 … 1,000; default 1. */
  readonly share?: (value: Input, request: Request) => number
}

/** What a stage's full channel does with one request more. */
export type StageOverflow<Input = unknown, Request = unknown> =
  Exclude<OverflowStrategy<never>, object> | StageDropLowest<Input, Request> | StageDropOverShare<Input, Request>

/** A stage's options with the defaults filled in, as plain data. */
export interface StageSettings {
  readonly capacity: number
  readonly concurrency: number
  readonly overflow: 'drop-newest' | 'drop-oldest' | 'drop-lowest' | 'over-share' | 'fail'
  /** Whether the capacity counts units instead of requests. */
  readonly weighted: boolean
  /** Whether what has a higher priority starts first. */
  readonly prioritised: boolean
  /** `Infinity` without a limit, as `timeoutMs`. */
  readonly ttlMs: number
  readonly timeoutMs: number
  readonly onCrash: 'requeue-once' | 'fail'
  /** Absent where nothing is shed before the channel is full; without the functions of the policy. */
  readonly overload?: Readonly<Record<string, unknown>>
  /** Absent where nobody waits for room. */
  readonly wait?: WaitSettings
  /** Absent where nothing is kept. */
  readonly deadLetter?: readonly DeadLetterKind[]
}

/** What there is to know of a stage's options. */
export interface CheckedStage {
  readonly settings: StageSettings
  readonly ranking: StageRanking | undefined
  readonly life: LifeSettings
  readonly overload: StageOverload | undefined
}

const known = [
  'capacity',
  'concurrency',
  'overflow',
  'overload',
  'ttlMs',
  'weight',
  'priority',
  'timeoutMs',
  'wait',
  'deadLetter',
  ...lifeKeys,
] as const satisfies readonly (keyof StageOptions)[]

/** @throws RangeError or TypeError that names the stage, the option, its value and the allowed range. */
export function checkStageOptions<Input, Request, State>(
  stage: string,
  options: StageOptions<Input, Request, State>,
): CheckedStage {
  const of = (option: string): string => `stage ${JSON.stringify(stage)}: ${option}`
  checkKeys(`stage ${JSON.stringify(stage)}`, options, known)
  const { capacity, concurrency = 1, overflow = 'drop-newest', ttlMs = Infinity, timeoutMs = Infinity } = options
  const { weight, wait, deadLetter, overload } = options
  const strategy = checkOverflow(of('overflow'), overflow)
  const ranked = typeof overflow === 'object' ? overflow : undefined
  if (ranked !== undefined && options.priority !== undefined) {
    const why = ranked.drop === 'lowest' ? 'brings its own' : 'has tenants take turns'
    throw new TypeError(`${of('priority')} must not be given beside overflow: { drop: '${ranked.drop}' }, which ${why}`)
  }
  const priority = ranked?.drop === 'lowest' ? ranked.priority : options.priority
  const sharing = ranked?.drop === 'over-share' ? ranked : undefined
  if (weight !== undefined) checkFunction(of('weight'), weight)
  if (priority !== undefined) checkFunction(of('priority'), priority)
  if (overload !== undefined) createStageOverload(of('overload'), overload as StageOverload, systemRandom)
  if (wait !== undefined && strategy === 'fail') {
    throw new TypeError(`${of('wait')} must not be given beside overflow: "fail", which sheds nothing`)
  }
  if (wait !== undefined && sharing !== undefined) {
    const why = 'since who waits for room goes in before those who have more of it to claim'
    throw new TypeError(`${of('wait')} must not be given beside overflow: { drop: 'over-share' }, ${why}`)
  }
  const settings = {
    capacity: checkInteger(of('capacity'), capacity),
    concurrency: checkInteger(of('concurrency'), concurrency, { min: 1 }),
    overflow: strategy,
    weighted: weight !== undefined,
    prioritised: priority !== undefined,
    ttlMs: checkNumber(of('ttlMs'), ttlMs, { min: 1, max: Infinity }),
    timeoutMs: checkNumber(of('timeoutMs'), timeoutMs, { min: 1, max: Infinity }),
    onCrash: checkOnCrash(options, of),
    ...(overload !== undefined && { overload: plainPolicy(overload as StageOverload) }),
    ...(wait !== undefined && { wait: checkWait(of('wait'), wait) }),
    ...(deadLetter !== undefined && { deadLetter: checkDeadLetter(of('deadLetter'), deadLetter) }),
  }
  const life = checkLife(options, of)
  // Inside, requests and values have no types of their own: the builder has checked that they fit.
  const inside = { settings, life, overload: overload as StageOverload | undefined }
  if (weight === undefined && priority === undefined && sharing === undefined) return { ...inside, ranking: undefined }
  return { ...inside, ranking: { weight, priority, sharing } as StageRanking }
}
