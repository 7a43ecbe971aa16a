import {
  type Backoff,
  checkClock,
  checkFunction,
  checkKeys,
  checkMethods,
  type Clock,
  exponentialBackoff,
  messageOf,
  type RandomSource,
  systemClock,
  systemRandom,
} from '../../operators/index.ts'
import { type Logger, silentLogger } from '../logger.ts'
import type { DeadLetter, DeadLetterPage, DeadLetterStore, StoredDeadLetter } from './dead-letter-store.ts'
import { UnstorableError } from './store-error.ts'

/** Of what a spooled store is made. */
export interface SpooledDeadLetterStoreOptions {
  /** Where the entries belong: a store that may be away. */
  readonly primary: DeadLetterStore
  /** Where they are kept meanwhile: a store on this machine. */
  readonly spool: DeadLetterStore
  /** Default the system's. */
  readonly clock?: Clock
  /** For the pauses between attempts to move entries; default the platform's. */
  readonly random?: RandomSource
  /** Default: nothing is logged. */
  readonly logger?: Logger
}

/** Whether the primary store is there, and what was spooled for it. */
export interface SpoolFigures {
  readonly state: 'ready' | 'away'
  /** Entries that were put into the spool. */
  readonly spooled: number
  /** Entries that were moved from there, or were found in the primary store when they were to be. */
  readonly moved: number
  /** Entries of the spool that stay there: another one of the same id is in the primary store, or they cannot be read. */
  readonly stuck: number
}

/** A store of dead letters that takes entries while its primary is away. */
export interface SpooledDeadLetterStore extends DeadLetterStore {
  readonly figures: SpoolFigures
  /** How many entries are in the spool. */
  spooled(): Promise<number>
}

/** How far all that is spooled is gone through, and what was found before. */
interface Walk {
  cursor: string | undefined
  conflicts: number
  unreadable: number
  isFull: boolean
}

const startOfWalk: Readonly<Walk> = { cursor: undefined, conflicts: 0, unreadable: 0, isFull: false }

/** How long the primary store may take to one entry: half of what a pipeline gives. */
const putTimeoutMs = 5_000

/**
 * Makes a store that puts entries into a spool on this machine while its primary store is away, and moves them when that
 * is back. A `put` whose answer was lost may have stored its entry in both: it is recognised when it is moved. What only
 * the primary can do (list, claim …) rejects while it is away; entries of the spool are not redriven before they are moved.
 *
 * @throws TypeError naming the option that is wrong.
 */
export function createSpooledDeadLetterStore(options: SpooledDeadLetterStoreOptions): SpooledDeadLetterStore {
  checkKeys('createSpooledDeadLetterStore', options, ['primary', 'spool', 'clock', 'random', 'logger'])
  const methods = ['put', 'list', 'get', 'purge', 'replay', 'counts', 'close']
  return new Spooled(
    checkMethods('primary', options.primary, 'a DeadLetterStore', methods),
    checkMethods('spool', options.spool, 'a DeadLetterStore', methods),
    checkClock('clock', options.clock ?? systemClock),
    exponentialBackoff({
      ...{ initialMs: 500, maxMs: 10_000, jitter: 'full' },
      random: checkFunction('random', options.random ?? systemRandom),
    }),
    options.logger ?? silentLogger,
  )
}

class Spooled implements SpooledDeadLetterStore {
  private readonly primary: DeadLetterStore
  private readonly spool: DeadLetterStore
  private readonly clock: Clock
  private readonly backoff: Backoff
  private readonly logger: Logger
  private away = false
  private readonly counted = { spooled: 0, moved: 0, stuck: 0 }
  /** Rounds in a row that have left something. */
  private attempts = 0
  private timer: unknown
  private round: Promise<void> | undefined
  /** Something was spooled since the first page was read. */
  private again = false
  private walk: Walk = { ...startOfWalk }
  private closed = false
  /** Only one of those who move an entry and those who replay or delete some works at a time. */
  private turn: Promise<unknown> = Promise.resolve()

  constructor(primary: DeadLetterStore, spool: DeadLetterStore, clock: Clock, backoff: Backoff, logger: Logger) {
    this.primary = primary
    this.spool = spool
    this.clock = clock
    this.backoff = backoff
    this.logger = logger
    // An earlier process may have left something.
    this.schedule(0)
  }

  get figures(): SpoolFigures {
    return { state: this.away ? 'away' : 'ready', ...this.counted }
  }

  async spooled(): Promise<number> {
    const { due, leased, dead } = await this.spool.counts()
    return due + leased + dead
  }

  async put(
    letter: DeadLetter,
    options: Parameters<DeadLetterStore['put']>[1] = {},
  ): ReturnType<DeadLetterStore['put']> {
    if (!this.away) {
      try {
        return await this.within((signal) => this.primary.put(letter, { ...options, signal }), options.signal)
      } catch (error) {
        // Nothing can keep it, or nobody wants to know any more.
        if (error instanceof UnstorableError || options.signal?.aborted === true) throw error
        this.lost(error)
      }
    }
    const result = await this.spool.put(letter, options)
    if (result === 'stored') this.counted.spooled += 1
    this.again = true
    this.scheduleNext()
    return result
  }

  claim(options: Parameters<DeadLetterStore['claim']>[0]): ReturnType<DeadLetterStore['claim']> {
    return this.asked(options.signal, () => this.primary.claim(options))
  }

  ack(...args: Parameters<DeadLetterStore['ack']>): ReturnType<DeadLetterStore['ack']> {
    return this.asked(args[1]?.signal, () => this.primary.ack(...args))
  }

  fail(...args: Parameters<DeadLetterStore['fail']>): ReturnType<DeadLetterStore['fail']> {
    return this.asked(args[2].signal, () => this.primary.fail(...args))
  }

  defer(...args: Parameters<DeadLetterStore['defer']>): ReturnType<DeadLetterStore['defer']> {
    return this.asked(args[1].signal, () => this.primary.defer(...args))
  }

  extend(...args: Parameters<DeadLetterStore['extend']>): ReturnType<DeadLetterStore['extend']> {
    return this.asked(args[1].signal, () => this.primary.extend(...args))
  }

  async get(...args: Parameters<DeadLetterStore['get']>): ReturnType<DeadLetterStore['get']> {
    try {
      const found = await this.asked(args[1]?.signal, () => this.primary.get(...args))
      if (found !== undefined) return found
    } catch (error) {
      const spooled = await this.spool.get(...args)
      if (spooled === undefined) throw error
      return spooled
    }
    return this.spool.get(...args)
  }

  list(options: Parameters<DeadLetterStore['list']>[0] = {}): Promise<DeadLetterPage> {
    return this.asked(options.signal, () => this.primary.list(options))
  }

  async replay(...args: Parameters<DeadLetterStore['replay']>): ReturnType<DeadLetterStore['replay']> {
    return this.alone(async () => {
      const results = await this.asked(args[1]?.signal, () => this.primary.replay(...args))
      if (!results.includes('unknown')) return results
      const spooled = await this.spool.replay(...args)
      return results.map((result, at) => (result === 'unknown' ? (spooled[at] ?? result) : result))
    })
  }

  async purge(...args: Parameters<DeadLetterStore['purge']>): ReturnType<DeadLetterStore['purge']> {
    return this.alone(async () => {
      const results = await this.asked(args[1]?.signal, () => this.primary.purge(...args))
      const spooled = await this.spool.purge(...args)
      return results.map((result, at) => (result === 'unknown' ? (spooled[at] ?? result) : result))
    })
  }

  counts(options: Parameters<DeadLetterStore['counts']>[0] = {}): ReturnType<DeadLetterStore['counts']> {
    return this.asked(options.signal, () => this.primary.counts(options))
  }

  async sweep(options: Parameters<DeadLetterStore['sweep']>[0] = {}): ReturnType<DeadLetterStore['sweep']> {
    await this.spool.sweep(options)
    return this.asked(options.signal, () => this.primary.sweep(options))
  }

  async close(): Promise<void> {
    this.closed = true
    this.clock.clearTimeout(this.timer)
    await this.round
    await Promise.all([this.primary.close(), this.spool.close()])
  }

  /** What the primary says; that it does not says that it is away. */
  private async asked<T>(signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    try {
      const answer = await call()
      if (this.away && this.round === undefined) this.schedule(0)
      return answer
    } catch (error) {
      if (signal?.aborted !== true && isOutage(error)) {
        this.lost(error)
        this.scheduleNext()
      }
      throw error
    }
  }

  private lost(error: unknown): void {
    if (this.away) return
    this.away = true
    this.logger.warn(
      { reason: messageOf(error) },
      'the store of dead letters is away: they are kept in the data folder',
    )
  }

  private found(): void {
    if (!this.away) return
    this.away = false
    this.logger.info(this.figures, 'the store of dead letters is back')
  }

  /** Another round after a pause, unless one is on its way: what comes meanwhile does not put it off. */
  private scheduleNext(): void {
    if (this.timer === undefined && this.round === undefined) this.schedule(this.backoff(Math.max(1, this.attempts)))
  }

  private schedule(ms: number): void {
    this.clock.clearTimeout(this.timer)
    if (this.closed) return
    this.timer = this.clock.setTimeout(() => {
      this.timer = undefined
      this.round = this.move().then((isDone) => {
        this.round = undefined
        this.attempts = isDone ? 0 : this.attempts + 1
        if (!isDone || this.again) this.scheduleNext()
      })
    }, ms)
  }

  /** One round. Resolves to whether nothing is left that can be moved later. */
  private async move(): Promise<boolean> {
    try {
      await this.within((signal) => this.primary.counts({ signal }))
      return await this.moveAll()
    } catch (error) {
      this.lost(error)
      return false
    }
  }

  /**
   * A round ends with the page in which there is no room for some: the next one goes on behind them, where there may be
   * room, such as in another shard. Resolves to whether all is gone through, and there was room for all of them.
   */
  private async moveAll(): Promise<boolean> {
    const { walk } = this
    if (walk.cursor === undefined) this.again = false
    do {
      const page: DeadLetterPage = await this.spool.list(walk.cursor === undefined ? {} : { cursor: walk.cursor })
      const ends = []
      for (const entry of page.entries) {
        if (this.closed) return true
        ends.push(await this.alone(() => this.moveOne(entry.submissionId)))
      }
      walk.conflicts += ends.filter((end) => end === 'conflict').length
      walk.unreadable += ends.filter((end) => end === 'unreadable').length
      walk.cursor = page.cursor
      if (ends.includes('full')) {
        walk.isFull = true
        break
      }
    } while (walk.cursor !== undefined)
    this.found()
    if (walk.cursor !== undefined) return false
    this.walk = { ...startOfWalk }
    const { conflicts, unreadable } = walk
    const stuck = conflicts + unreadable
    if (stuck > this.counted.stuck) {
      this.logger.warn(
        { stuck, conflicts, unreadable },
        'dead letters stay in the data folder: they cannot be read, or others of their ids are in the store',
      )
    }
    this.counted.stuck = stuck
    return !walk.isFull
  }

  private async moveOne(submissionId: string): Promise<'moved' | 'gone' | 'unreadable' | 'conflict' | 'full'> {
    // It may have been replayed or deleted since the page was read.
    const entry = await this.spool.get(submissionId)
    if (entry === undefined) return 'gone'
    if (entry.unreadable !== undefined) return 'unreadable'
    const dead = entry.state === 'dead'
    const result = await this.within((signal) => this.primary.put(letterOf(entry), { signal, dead }))
    // One that has no memory left answers whatever it is asked, and takes nothing.
    this.found()
    if (result === 'full' || result === 'conflict') return result
    await this.spool.purge([submissionId])
    this.counted.moved += 1
    return 'moved'
  }

  private alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work)
    this.turn = result.catch(() => undefined)
    return result
  }

  /** Gives up on an answer that takes too long; what was asked may have been done. */
  private async within<T>(ask: (signal: AbortSignal) => Promise<T>, given?: AbortSignal): Promise<T> {
    const controller = new AbortController()
    let timer: unknown
    const late = new Promise<never>((_, reject) => {
      timer = this.clock.setTimeout(() => {
        reject(new Error(`no answer within ${putTimeoutMs} ms`))
        controller.abort()
      }, putTimeoutMs)
    })
    try {
      const signal = given === undefined ? controller.signal : AbortSignal.any([given, controller.signal])
      return await Promise.race([ask(signal), late])
    } finally {
      this.clock.clearTimeout(timer)
    }
  }
}

/** A mistake of the caller's says nothing of the store. */
function isOutage(error: unknown): boolean {
  return !(error instanceof RangeError || error instanceof TypeError || error instanceof UnstorableError)
}

/** An entry as it was put. */
function letterOf(entry: StoredDeadLetter): DeadLetter {
  const { state: _, stateAt: __, attempts: ___, epoch: ____, replays: _____, unreadable: ______, ...letter } = entry
  return letter
}
