import fc from 'fast-check'
import { expect } from 'vitest'
import { Channel, type Clock, type ItemEnd, SpillwayError } from '../../operators/index.ts'
import { PlainChannel, type PlainChannelOptions } from './plain-channel.ts'

/** What a consumer does while it is being called with an item: all that can be re-entrant. */
type Act =
  | { readonly do: 'offer' | 'admit'; readonly script: Script }
  | { readonly do: 'remove'; readonly pick: number; readonly end: ItemEnd }
  | { readonly do: 'free'; readonly pick: number }
  | { readonly do: 'release'; readonly pick: number; readonly end: ItemEnd; readonly drain: boolean }
  | { readonly do: 'discard' | 'close' | 'crash' | 'detach' }
  | { readonly do: 'setCapacity' | 'setConcurrency'; readonly to: number }

/** What becomes of an item: what its consumer does, and whether it ends before the consumer returns or later. */
interface Script {
  readonly acts: readonly Act[]
  readonly end: ItemEnd | 'later'
}

/** Something done to a channel from outside. */
export type Action =
  | Act
  | { readonly do: 'send'; readonly script: Script }
  | { readonly do: 'take' | 'consume' | 'drain' }
  | { readonly do: 'abort' | 'requeue'; readonly pick: number }
  /** Time passes; the timers are punctual or late. */
  | { readonly do: 'pass' | 'lag'; readonly ms: number }

type Driven = Pick<
  PlainChannel,
  | 'offer'
  | 'admit'
  | 'release'
  | 'drain'
  | 'remove'
  | 'free'
  | 'requeue'
  | 'discard'
  | 'consume'
  | 'close'
  | 'send'
  | 'take'
  | 'abort'
  | 'setCapacity'
  | 'setConcurrency'
  | 'stats'
  | 'closed'
> & { pass: (ms: number) => void; lag: (ms: number) => void }

const ends: fc.Arbitrary<ItemEnd> = fc.constantFrom(
  'completed',
  'failed',
  'expired',
  'cancelled',
  'evicted',
  'discarded',
)
const picks = fc.nat({ max: 20 })

function scripts(depth: number): fc.Arbitrary<Script> {
  const end = fc.oneof({ weight: 2, arbitrary: fc.constant('later' as const) }, { weight: 3, arbitrary: ends })
  const acts = depth === 0 ? fc.constant([]) : fc.array(actions(depth - 1), { maxLength: 3 })
  return fc.record({ acts, end })
}

function actions(depth: number): fc.Arbitrary<Act> {
  const offer = fc.record({ do: fc.constant('offer' as const), script: scripts(depth) })
  const admit = fc.record({ do: fc.constant('admit' as const), script: scripts(depth) })
  const remove = fc.record({ do: fc.constant('remove' as const), pick: picks, end: ends })
  const release = fc.record({ do: fc.constant('release' as const), pick: picks, end: ends, drain: fc.boolean() })
  const free = fc.record({ do: fc.constant('free' as const), pick: picks })
  const rest = fc.record({
    do: fc.constantFrom('discard' as const, 'close' as const, 'crash' as const, 'detach' as const),
  })
  const limits = fc.record({
    do: fc.constantFrom('setCapacity' as const, 'setConcurrency' as const),
    to: fc.integer({ min: 1, max: 5 }),
  })
  return fc.oneof(
    { weight: 12, arbitrary: offer },
    { weight: 2, arbitrary: admit },
    { weight: 3, arbitrary: remove },
    { weight: 3, arbitrary: free },
    { weight: 6, arbitrary: release },
    { weight: 1, arbitrary: rest },
    { weight: 1, arbitrary: limits },
  )
}

/** Everything that can be done to a channel, in sensible proportions. */
export const anyAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: actions(3) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('send' as const), script: scripts(2) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('take' as const, 'consume' as const, 'drain' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('abort' as const, 'requeue' as const), pick: picks }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('pass' as const, 'lag' as const), ms: fc.integer({ min: 1, max: 12 }) }),
  },
)

/** A channel, real or plain, with all that surrounds it; what happens is written down. */
export class World {
  readonly channel: Driven
  /** What happened at once, in order. */
  readonly trace: string[] = []
  /** How calls that wait were answered; the order among different callers is the platform's. */
  readonly answers: string[] = []
  /** Whether items may be beyond the capacity, because they were put back or had a place elsewhere. */
  crowded = false
  admitted = false
  limitsChanged = false
  private readonly pending = new Set<number>()
  private readonly scripts = new Map<number, Script>()
  private running: number[] = []
  private detach: (() => void) | undefined
  private lastId = 0

  constructor(create: (onLost: (id: number, reason: string) => void) => Driven) {
    this.channel = create((id, reason) => {
      this.trace.push(`${reason} ${id}`)
      this.play(id)
    })
  }

  do(action: Action): void {
    switch (action.do) {
      case 'offer':
      case 'admit': {
        const id = this.create(action.script)
        if (action.do === 'admit') this.admitted = true
        this.trace.push(`${action.do} ${id}: ${this.channel[action.do](id)}`)
        return
      }
      case 'remove': {
        const id = action.pick % (this.lastId + 1)
        this.trace.push(`remove ${id}: ${this.channel.remove(id, action.end)}`)
        return
      }
      case 'free':
        this.channel.free(action.pick % (this.lastId + 1))
        return
      case 'release':
        this.end(this.running[action.pick % this.running.length], action.end, action.drain)
        return
      case 'discard':
        this.trace.push(`discarded ${this.channel.discard().join()}`)
        return
      case 'close':
      case 'drain':
        this.channel[action.do]()
        return
      case 'setCapacity':
      case 'setConcurrency':
        this.limitsChanged = true
        this.channel[action.do](action.to)
        return
      case 'pass':
      case 'lag':
        this.channel[action.do](action.ms)
        return
      case 'crash':
        this.takeConsumerAway()
        this.putBack(this.running.length)
        return
      case 'requeue':
        this.putBack(action.pick % (this.running.length + 1))
        return
      case 'detach':
        this.takeConsumerAway()
        return
      case 'consume':
        this.detach ??= this.channel.consume(this.consumer)
        return
      case 'send':
      case 'take': {
        const id = this.create(action.do === 'send' ? action.script : { acts: [], end: 'later' })
        this.pending.add(id)
        this.channel[action.do](id, (result) => {
          this.pending.delete(id)
          this.answers.push(`${action.do} ${id}: ${result}`)
        })
        return
      }
      case 'abort': {
        const id = [...this.pending][action.pick % this.pending.size]
        if (id !== undefined) this.channel.abort(id)
      }
    }
  }

  private create(script: Script): number {
    this.lastId += 1
    this.scripts.set(this.lastId, script)
    return this.lastId
  }

  private readonly consumer = (id: number): void => {
    this.trace.push(`start ${id}`)
    this.running.push(id)
    const script = this.play(id)
    if (script !== undefined && script.end !== 'later') this.end(id, script.end, true)
  }

  /** Does what an item causes, when it starts or is lost. */
  private play(id: number): Script | undefined {
    const script = this.scripts.get(id)
    // What is put back and starts again does nothing of its own any more.
    this.scripts.delete(id)
    for (const act of script?.acts ?? []) this.do(act)
    return script
  }

  private end(id: number | undefined, end: ItemEnd, drain: boolean): void {
    if (id === undefined || !this.running.includes(id)) return
    this.running = this.running.filter((other) => other !== id)
    this.trace.push(`end ${id}`)
    this.channel.release(end)
    if (drain) this.channel.drain()
  }

  private takeConsumerAway(): void {
    const { detach } = this
    this.detach = undefined
    this.crowded = true
    detach?.()
  }

  private putBack(count: number): void {
    const ids = this.running.slice(0, count)
    this.running = this.running.slice(count)
    this.crowded = true
    this.channel.requeue(ids)
  }
}

/** A clock whose timers can be late. */
class LateClock implements Clock {
  private time = 0
  private timers: { readonly dueAt: number; readonly fn: () => void }[] = []

  now(): number {
    return this.time
  }

  wallTime(): number {
    return this.time
  }

  setTimeout(fn: () => void, ms: number): unknown {
    const timer = { dueAt: this.time + ms, fn }
    this.timers.push(timer)
    return timer
  }

  clearTimeout(handle: unknown): void {
    this.timers = this.timers.filter((timer) => timer !== handle)
  }

  get pending(): number {
    return this.timers.length
  }

  lag(ms: number): void {
    this.time += ms
  }

  pass(ms: number): void {
    const until = this.time + ms
    for (;;) {
      const [next] = this.timers.toSorted((a, b) => a.dueAt - b.dueAt)
      if (next === undefined || next.dueAt > until) break
      this.clearTimeout(next)
      this.time = Math.max(this.time, next.dueAt)
      next.fn()
    }
    this.time = until
  }
}

export function createModel(options: PlainChannelOptions): World {
  const clock = new LateClock()
  return new World((onLost) => {
    const channel = new PlainChannel(options, () => clock.now(), onLost)
    return Object.assign(channel, {
      lag: (ms: number) => {
        clock.lag(ms)
      },
      pass: (ms: number) => {
        // To each moment at which something expires, as a timer would.
        for (let passed = 0; passed < ms; passed++) {
          channel.arrange()
          clock.lag(1)
        }
        channel.arrange()
      },
    })
  })
}

/** The real channel, whose promises are told like the plain one's callbacks. */
export function createReal(options: PlainChannelOptions): World {
  const { overflow: strategy, weights, priorities, held, ttlMs, ...same } = options
  const priority = priorities && ((id: number) => priorities[id % priorities.length]!)
  const overflow = strategy === 'drop-lowest' ? { drop: 'lowest' as const, priority: priority ?? (() => 0) } : strategy
  return new World((onLost) => {
    const clock = new LateClock()
    const freed = new Set<number>()
    const channel = new Channel<number>({
      ...same,
      overflow,
      ...(strategy !== 'drop-lowest' && priority !== undefined && { priority }),
      ...(weights !== undefined && { weight: (id) => weights[id % weights.length]! }),
      ...(held !== undefined && { mayStart: (id) => freed.has(id) || !held[id % held.length]! }),
      ttlMs,
      clock,
      onLost,
    })
    const controllers = new Map<number, AbortController>()
    const settled = (
      promise: Promise<unknown>,
      tell: (value: unknown) => string,
      settle: (result: string) => void,
    ): void => {
      promise.then(
        (value) => {
          settle(tell(value))
        },
        (error: unknown) => {
          settle(error instanceof SpillwayError ? error.code : String(error))
        },
      )
    }
    const signalFor = (id: number): { signal: AbortSignal } => {
      const controller = new AbortController()
      controllers.set(id, controller)
      return controller
    }
    return {
      offer: (id) => channel.offer(id),
      admit: (id) => channel.admit(id),
      release: (end) => {
        channel.release(end)
      },
      drain: () => {
        channel.drain()
      },
      remove: (id, end) => channel.remove(id, end),
      free: (id) => {
        freed.add(id)
        channel.free(id)
      },
      requeue: (ids) => {
        channel.requeue(ids)
      },
      discard: () => channel.discard(),
      consume: (run) => channel.consume(run),
      close: () => {
        channel.close()
      },
      setCapacity: (to) => {
        channel.setCapacity(to)
      },
      setConcurrency: (to) => {
        channel.setConcurrency(to)
      },
      pass: (ms) => {
        clock.pass(ms)
      },
      lag: (ms) => {
        clock.lag(ms)
      },
      send: (id, settle) => {
        settled(channel.send(id, signalFor(id)), () => 'sent', settle)
      },
      take: (id, settle) => {
        settled(channel.take(signalFor(id)), (value) => `took ${String(value)}`, settle)
      },
      abort: (id) => {
        controllers.get(id)?.abort('aborted')
      },
      get stats() {
        if (channel.size === 0) expect(clock.pending, 'timers').toBe(0)
        expect(clock.pending, 'timers').toBeLessThanOrEqual(1)
        return channel.stats
      },
      get closed() {
        return channel.closed
      },
    }
  })
}
