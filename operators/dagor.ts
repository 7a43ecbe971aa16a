import { hash } from './hash.ts'
import { checkNumber } from './options.ts'
import type { RandomSource } from './random.ts'

/** When items are refused, and whose come first. */
export interface DagorOptions {
  /** How long items may wait on average, in milliseconds, more than 0. */
  readonly targetMs: number
  /** How often the level is adjusted, in milliseconds; default 1,000, and after 2,000 items in any case. */
  readonly windowMs?: number
}

/** Levels of equal priority, by which some are refused and not all. */
const users = 128
const itemsPerWindow = 2_000
/** What of the admitted is taken away while overloaded, and what of all is let in besides when not. */
const decrease = 0.05
const increase = 0.01

/** An admission level: what comes before it is let in. */
interface Level {
  readonly priority: number
  readonly user: number
}

/**
 * Admission by priority under overload: while items wait longer than the target on average, the level from which on they
 * are let in rises, by 5 % fewer in each window; when they no longer do, it falls again, by 1 % of all. Among equal
 * priorities a user is let in by the hash of its name, so the same ones are served and the others are not served by
 * halves. It reads no clock: the time is given to it.
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 * @see H. Zhou et al.: Overload Control for Scaling WeChat Microservices, SoCC 2018, section 4
 */
export class Dagor {
  private readonly targetMs: number
  private readonly windowMs: number
  private readonly random: RandomSource
  /** The least that is refused; `undefined` while all are let in. */
  private refusedFrom: Level | undefined
  private windowEnd = -Infinity
  /** Of this window: what came, by priority and user. */
  private readonly arrivals = new Map<number, Uint32Array>()
  private came = 0
  private admitted = 0
  private started = 0
  private waitedMs = 0

  /**
   * @param random Stands for the user where none is named.
   * @param of What an option is called, for the errors; default its own name.
   */
  constructor(
    { targetMs, windowMs = 1_000 }: DagorOptions,
    random: RandomSource,
    of: (option: string) => string = (option) => option,
  ) {
    this.targetMs = checkNumber(of('targetMs'), targetMs, { min: Number.MIN_VALUE })
    this.windowMs = checkNumber(of('windowMs'), windowMs, { min: Number.MIN_VALUE })
    this.random = random
  }

  /**
   * Told of each item as it arrives, and whether it is to be refused.
   *
   * @param priority Higher comes first.
   * @param user Who sent it; `undefined` for anybody.
   */
  refuses(priority: number, user: string | undefined, now: number): boolean {
    if (now >= this.windowEnd || this.came >= itemsPerWindow) this.adjust(now)
    const level = { priority, user: user === undefined ? Math.floor(this.random() * users) : hash(user) % users }
    let counts = this.arrivals.get(priority)
    if (counts === undefined) this.arrivals.set(priority, (counts = new Uint32Array(users)))
    counts[level.user] = (counts[level.user] as number) + 1
    this.came += 1
    if (this.refusedFrom !== undefined && !isBefore(level, this.refusedFrom)) return true
    this.admitted += 1
    return false
  }

  /** Told of each item that starts. */
  starts(waitedMs: number): void {
    this.started += 1
    this.waitedMs += waitedMs
  }

  private adjust(now: number): void {
    // Where none has started, nothing is known.
    if (this.started > 0) {
      const overloaded = this.waitedMs / this.started > this.targetMs
      if (overloaded) {
        const most = this.admitted * (1 - decrease)
        this.refusedFrom = this.findLevel((before, upTo) => upTo > most)
      } else if (this.refusedFrom !== undefined) {
        const least = this.admitted + this.came * increase
        this.refusedFrom = this.findLevel((before) => before >= least)
      }
    }
    this.windowEnd = now + this.windowMs
    this.arrivals.clear()
    this.came = 0
    this.admitted = 0
    this.started = 0
    this.waitedMs = 0
  }

  /** The first level of which it is true how many of this window's came before it, and with it. */
  private findLevel(isIt: (before: number, upTo: number) => boolean): Level | undefined {
    let before = 0
    for (const priority of [...this.arrivals.keys()].sort((a, b) => b - a)) {
      for (const [user, count] of (this.arrivals.get(priority) as Uint32Array).entries()) {
        if (isIt(before, before + count)) return { priority, user }
        before += count
      }
    }
    return undefined
  }
}

function isBefore(level: Level, other: Level): boolean {
  return level.priority > other.priority || (level.priority === other.priority && level.user < other.user)
}
