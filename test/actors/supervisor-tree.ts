import * as fc from 'fast-check'
import { Observable } from 'rxjs'
import { type Actor, createActor } from 'xstate'
import { type ChildContext, type ChildSpec, supervise, type SupervisorLogic } from '../../actors/index.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { backoffMs, fraction, Supervisor, type TreeSpec, type WorkerSpec, World } from './otp-supervisor.ts'

interface Plan {
  readonly tree: TreeSpec
  /** What happens, by what it happens to; their order is left to the scheduler. */
  readonly lives: readonly (readonly Trigger[])[]
}

type Trigger =
  | { readonly does: 'crash' | 'end'; readonly worker: number }
  | { readonly does: 'pass'; readonly ms: number }
  | { readonly does: 'stop' }

const policy = fc.constantFrom('permanent' as const, 'transient' as const, 'temporary' as const)

const worker: fc.Arbitrary<Unnamed<WorkerSpec>> = fc.record({
  restart: policy,
  shutdownTimeoutMs: fc.constantFrom(0, 4, 40),
  starts: fc.array(fc.constantFrom('runs' as const, 'runs' as const, 'runs' as const, 'throws' as const), {
    minLength: 1,
    maxLength: 5,
  }),
  stopping: fc.record({
    how: fc.constantFrom('at-once' as const, 'at-once' as const, 'ends' as const, 'fails' as const, 'hangs' as const),
    afterMs: fc.integer({ min: 0, max: 10 }),
  }),
})

const settings = {
  restart: policy,
  shutdownTimeoutMs: fc.constantFrom(0, 6, 60, Infinity),
  strategy: fc.constantFrom('one-for-one' as const, 'rest-for-one' as const, 'one-for-all' as const),
  startFrom: fc.constantFrom('first' as const, 'first' as const, 'last' as const),
  maxRestarts: fc.integer({ min: 0, max: 4 }),
  withinMs: fc.integer({ min: 1, max: 60 }),
  healthyAfterMs: fc.integer({ min: 0, max: 30 }),
  backoffMs: fc.integer({ min: 0, max: 10 }),
}

type Unnamed<S> = S extends unknown ? Omit<S, 'id' | 'children'> : never
type Branch = Unnamed<TreeSpec> & { readonly children: readonly (Branch | Unnamed<WorkerSpec>)[] }

/** Trees up to three supervisors high; the ids are given by place. */
const { tree } = fc.letrec<{ tree: Branch; child: Branch | Unnamed<WorkerSpec> }>((tie) => ({
  tree: fc.record({ ...settings, children: fc.array(tie('child'), { minLength: 1, maxLength: 4 }) }),
  child: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    { weight: 3, arbitrary: worker },
    { weight: 1, arbitrary: tie('tree') },
  ),
}))

function named(spec: Branch, id: string): TreeSpec {
  const children = spec.children.map((child, index): TreeSpec | WorkerSpec => {
    const place = `${id}.${index}`
    if ('children' in child) return named(child, place)
    const { how, afterMs } = child.stopping
    const stopping = { how, afterMs: afterMs + fraction(`stop ${place}`) }
    return { ...child, id: place, stopping, shutdownTimeoutMs: apart(child.shutdownTimeoutMs, place) }
  })
  return { ...spec, id, children, shutdownTimeoutMs: apart(spec.shutdownTimeoutMs, id) }
}

/** A little apart, so that no two things are due at one time: then there would be two right orders. */
function apart(patienceMs: number, id: string): number {
  return patienceMs === 0 ? 0 : patienceMs + fraction(`patience ${id}`)
}

const trigger: fc.Arbitrary<Trigger> = fc.record({
  does: fc.constantFrom('crash' as const, 'crash' as const, 'crash' as const, 'end' as const),
  worker: fc.nat({ max: 20 }),
})
const passing: fc.Arbitrary<Trigger> = fc.record({ does: fc.constant('pass' as const), ms: fc.nat({ max: 15 }) })

export const plans: fc.Arbitrary<Plan> = fc.record({
  tree: tree.map((spec) => named(spec, 'root')),
  lives: fc.tuple(
    fc.array(trigger, { maxLength: 12, size: 'max' }),
    fc.array(passing, { maxLength: 12, size: 'max' }),
    fc.array(fc.constant<Trigger>({ does: 'stop' }), { maxLength: 1 }),
  ),
})

/** The real thing: workers that do what their specification says, under supervisors of ours. */
class RealTree {
  readonly clock: VirtualClock = new VirtualClock()
  readonly journal: string[] = []
  readonly ends: string[] = []
  readonly workers: Map<string, { crash(): void; end(): void }> = new Map()
  private readonly starts = new Map<string, number>()
  private readonly actor: Actor<SupervisorLogic>

  constructor(spec: TreeSpec) {
    this.actor = createActor(this.toLogic(spec))
    this.actor.subscribe({
      error: (error) => {
        this.ends.push((error as Error).name)
      },
      complete: () => {
        this.ends.push('complete')
      },
    })
    this.actor.start()
  }

  stop(): void {
    if (this.ends.length === 0) this.actor.send({ type: 'stop' })
  }

  /** Ids of the actors that are left: workers, supervisors, timers. */
  get actors(): readonly string[] {
    return Object.keys((this.actor.getSnapshot() as { readonly children: object }).children)
  }

  private note(what: string): void {
    this.journal.push(`${this.clock.now().toFixed(6)} ${what}`)
  }

  private toLogic(spec: TreeSpec): SupervisorLogic {
    const { strategy, startFrom, maxRestarts, withinMs, healthyAfterMs } = spec
    const { clock } = this
    const backoff = (attempt: number): number => backoffMs(spec, attempt)
    const children = spec.children.map((child) => this.toChild(child))
    return supervise(children, { strategy, startFrom, maxRestarts, withinMs, healthyAfterMs, backoff, clock })
  }

  private toChild(spec: WorkerSpec | TreeSpec): ChildSpec {
    const { id, restart, shutdownTimeoutMs } = spec
    if ('children' in spec) return { id, restart, shutdownTimeoutMs, start: this.toLogic(spec) }
    const { starts, stopping } = spec
    const start$ = (context: ChildContext): Observable<unknown> =>
      new Observable((subscriber) => {
        const nth = this.starts.get(id) ?? 0
        this.starts.set(id, nth + 1)
        this.note(`+${id}`)
        subscriber.add(() => {
          this.note(`-${id}`)
          this.workers.delete(id)
        })
        const crash = (): void => {
          subscriber.error(new Error(`crash of ${id}`))
        }
        const end = (): void => {
          subscriber.complete()
        }
        this.workers.set(id, { crash, end })
        if (stopping.how !== 'at-once') {
          context.signal.addEventListener('abort', () => {
            if (subscriber.closed || stopping.how === 'hangs') return
            const timer = this.clock.setTimeout(stopping.how === 'ends' ? end : crash, stopping.afterMs)
            subscriber.add(() => {
              this.clock.clearTimeout(timer)
            })
          })
        }
        if ((starts[nth] ?? starts.at(-1)) === 'throws') throw new Error(`start of ${id}`)
      })
    return { id, restart, shutdownTimeoutMs, start: start$ }
  }
}

/** Plays a plan on ours and on the model side by side; after each trigger both must have done the same. */
export async function play(
  plan: Plan,
  scheduler: fc.Scheduler,
  check: (real: unknown, model: unknown) => void,
): Promise<void> {
  const world = new World()
  const ends: string[] = []
  const model = new Supervisor(world, plan.tree, (exit) => {
    ends.push(exit === 'normal' ? 'complete' : 'RestartIntensityError')
  })
  const real = new RealTree(plan.tree)
  const compare = (): void => {
    check(real.journal, world.journal)
    check(real.ends, ends)
  }
  compare()
  const pull = async (trigger: Trigger): Promise<void> => {
    if (trigger.does === 'pass') {
      world.advance(trigger.ms)
      await real.clock.advance(trigger.ms)
    } else if (trigger.does === 'stop') {
      model.shutdown()
      real.stop()
      await real.clock.settle()
    } else {
      const ids = [...world.workers.keys()].sort()
      const id = ids[trigger.worker % ids.length]
      if (id === undefined) return
      world.workers.get(id)?.exit(trigger.does === 'crash' ? 'crash' : 'normal')
      const worker = real.workers.get(id)
      if (trigger.does === 'crash') worker?.crash()
      else worker?.end()
      await real.clock.settle()
    }
    compare()
  }
  for (const [index, life] of plan.lives.entries()) {
    scheduler.scheduleSequence(
      life.map((trigger) => ({ label: `${index} ${JSON.stringify(trigger)}`, builder: () => pull(trigger) })),
    )
  }
  await scheduler.waitIdle()
  // All comes to rest once nobody is told anything any more, and then it stops in order.
  world.advance(10_000)
  await real.clock.advance(10_000)
  compare()
  model.shutdown()
  real.stop()
  world.advance(10_000)
  await real.clock.advance(10_000)
  compare()
  check([real.ends.length, real.workers.size, real.clock.pending, real.actors], [1, 0, 0, []])
}
