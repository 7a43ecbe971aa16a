import fc from 'fast-check'
import { expect } from 'vitest'
import { type Clock, TimerWheel, WheelTimer } from '../../operators/index.ts'

/** What is done to the timers, from outside or when one is due. */
export type Act =
  | { readonly do: 'set'; readonly timer: number; readonly inMs: number }
  | { readonly do: 'delete'; readonly timer: number }

/** From now to years ahead, and often beside the ends of the wheel's slots. */
export const anyDelay: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 5000 }),
  fc
    .tuple(fc.integer({ min: 0, max: 36 }), fc.integer({ min: -2, max: 2 }))
    .map(([power, beside]) => 2 ** power + beside),
  fc.integer({ min: 0, max: 2 ** 37 }),
)

/** Timers are few, so that they are often moved and deleted. */
const timers = fc.nat({ max: 9 })

export function anyAct(delay: fc.Arbitrary<number>): fc.Arbitrary<Act> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('set' as const), timer: timers, inMs: delay }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), timer: timers }) },
  )
}

interface Plan {
  readonly setAt: number
  /** If that is not after `setAt`, it comes at once, in no order. */
  readonly dueAt: number
  readonly order: number
}

/** A wheel beside a plain list of what is set; what the wheel calls is held to it. */
export class WatchedWheel {
  /** Set timers by number. */
  readonly plans: Map<number, Plan> = new Map()
  fired = 0
  private readonly clock: Clock
  private readonly wheel: TimerWheel
  private readonly timers: readonly WheelTimer[]
  private readonly reactions: Map<number, readonly Act[]>
  private order = 0

  /** @param reactions What the timer that is the n-th to be called does then. */
  constructor(clock: Clock, reactions: readonly (readonly Act[])[] = []) {
    this.clock = clock
    this.wheel = new TimerWheel(clock)
    this.reactions = new Map(reactions.entries())
    const called = (index: number): void => {
      this.called(index)
    }
    this.timers = Array.from(
      { length: 10 },
      (_, index) =>
        new (class extends WheelTimer {
          onDue(): void {
            called(index)
          }
        })(),
    )
  }

  do(act: Act): void {
    const timer = this.timers[act.timer]!
    if (act.do === 'delete') {
      this.wheel.delete(timer)
      this.plans.delete(act.timer)
    } else {
      const now = this.clock.now()
      const dueAt = now + act.inMs
      this.wheel.set(timer, dueAt)
      this.plans.set(act.timer, { setAt: now, dueAt, order: this.order++ })
      expect(timer.dueAt).toBe(dueAt)
    }
    expect(this.wheel.size).toBe(this.plans.size)
  }

  /** Nothing is set that should have been called by now. */
  isUpToDate(): void {
    const now = this.clock.now()
    for (const { dueAt } of this.plans.values()) expect(Math.ceil(dueAt), 'overdue').toBeGreaterThan(now)
  }

  private called(index: number): void {
    const plan = this.plans.get(index)!
    expect(plan, `timer ${index} is set`).toBeDefined()
    expect(this.timers[index]!.dueAt).toBe(Infinity)
    expect(this.clock.now(), 'early').toBeGreaterThanOrEqual(plan.dueAt)
    this.plans.delete(index)
    expect(this.wheel.size).toBe(this.plans.size)
    for (const other of isOverdue(plan) ? [] : this.plans.values()) {
      const isBefore = other.dueAt < plan.dueAt || (other.dueAt === plan.dueAt && other.order < plan.order)
      // Within one millisecond the order is that of setting.
      const isOneTick = Math.ceil(other.dueAt) === Math.ceil(plan.dueAt)
      const isPassed = isOneTick ? other.order < plan.order : isBefore
      expect(!isOverdue(other) && isPassed, `${JSON.stringify(other)} before ${JSON.stringify(plan)}`).toBe(false)
    }
    this.onTime(plan)
    for (const act of this.reactions.get(this.fired++) ?? []) this.do(act)
  }

  /** How late a call may be; a clock that is late itself says otherwise. */
  onTime(plan: Plan): void {
    expect(this.clock.now(), 'late').toBe(Math.ceil(Math.max(plan.dueAt, plan.setAt)))
  }
}

function isOverdue({ setAt, dueAt }: Plan): boolean {
  return dueAt <= setAt
}
