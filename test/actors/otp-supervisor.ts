/**
 * A supervisor by the text of Erlang's documentation, on a clock of its own and with nothing of ours: processes that
 * are started, exit, are told to shut down and are killed. What OTP does not have is the backoff before a restart.
 */

type Strategy = 'one-for-one' | 'rest-for-one' | 'one-for-all'

/** How a worker behaves; its n-th start by the n-th entry of `starts`, later ones by the last. */
export interface WorkerSpec {
  readonly id: string
  readonly restart: 'permanent' | 'transient' | 'temporary'
  readonly shutdownTimeoutMs: number
  readonly starts: readonly ('runs' | 'throws')[]
  /** What it does when it is told to stop: it cannot be told; it ends, or fails, after some time; or nothing. */
  readonly stopping: { readonly how: 'at-once' | 'ends' | 'fails' | 'hangs'; readonly afterMs: number }
}

export interface TreeSpec {
  readonly id: string
  readonly restart: 'permanent' | 'transient' | 'temporary'
  readonly shutdownTimeoutMs: number
  readonly strategy: Strategy
  readonly startFrom: 'first' | 'last'
  readonly maxRestarts: number
  readonly withinMs: number
  readonly healthyAfterMs: number
  readonly backoffMs: number
  readonly children: readonly (WorkerSpec | TreeSpec)[]
}

type Exit = 'normal' | 'crash'

/** Time, and a journal of all starts and ends of workers. */
export class World {
  now = 0
  readonly journal: string[] = []
  readonly workers: Map<string, Worker> = new Map()
  readonly starts: Map<string, number> = new Map()
  private timers: { readonly at: number; readonly fn: () => void }[] = []

  note(what: string): void {
    this.journal.push(`${this.now.toFixed(6)} ${what}`)
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.now + ms, fn }
    if (ms < Infinity) this.timers.push(timer)
    return () => {
      this.timers = this.timers.filter((other) => other !== timer)
    }
  }

  advance(ms: number): void {
    const until = this.now + ms
    for (;;) {
      const due = this.timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.timers = this.timers.filter((timer) => timer !== due)
      this.now = due.at
      due.fn()
    }
    this.now = until
  }

  get pending(): number {
    return this.timers.length
  }
}

interface Process {
  /** Tells it to stop; it exits when it has. */
  shutdown(): void
  /** Ends it, and all below it, without an exit. */
  kill(): void
}

export class Worker implements Process {
  private readonly world: World
  private readonly spec: WorkerSpec
  private readonly exited: (exit: Exit) => void
  private forget: () => void = () => undefined

  constructor(world: World, spec: WorkerSpec, exited: (exit: Exit) => void) {
    this.world = world
    this.spec = spec
    this.exited = exited
    const starts = world.starts.get(spec.id) ?? 0
    world.starts.set(spec.id, starts + 1)
    world.note(`+${spec.id}`)
    world.workers.set(spec.id, this)
    if ((spec.starts[starts] ?? spec.starts.at(-1)) === 'throws') this.exit('crash')
  }

  exit(exit: Exit): void {
    this.kill()
    this.exited(exit)
  }

  kill(): void {
    this.forget()
    this.world.note(`-${this.spec.id}`)
    this.world.workers.delete(this.spec.id)
  }

  shutdown(): void {
    const { how, afterMs } = this.spec.stopping
    if (how === 'at-once' || this.spec.shutdownTimeoutMs === 0) this.exit('normal')
    else if (how !== 'hangs')
      this.forget = this.world.after(afterMs, () => {
        this.exit(how === 'ends' ? 'normal' : 'crash')
      })
  }
}

interface Child {
  readonly spec: WorkerSpec | TreeSpec
  process?: Process
  startedAt: number
  inARow: number
  /** Deleted from the supervisor: a temporary child that is gone. */
  deleted?: true
}

/** A restart that has been decided, and has not been done. */
interface Restart {
  readonly of: Child
  readonly group: ReadonlySet<Child>
  readonly delayMs: number
  cancel?: () => void
}

export class Supervisor implements Process {
  private readonly world: World
  private readonly spec: TreeSpec
  private readonly exited: (exit: Exit) => void
  /** In start order; a child's specification stays until a temporary one is gone. */
  private readonly children: readonly Child[]
  private restarts: Restart[] = []
  private toStart: Child[]
  private times: number[] = []
  private terminating: Child | undefined
  private exit: Exit | undefined
  private stopTimer: () => void = () => undefined
  private busy = false
  private dead = false
  private readonly mail: (() => void)[] = []
  private order: Child[] = []

  constructor(world: World, spec: TreeSpec, exited: (exit: Exit) => void) {
    this.world = world
    this.spec = spec
    this.exited = exited
    const children = spec.children.map((child): Child => ({ spec: child, startedAt: 0, inARow: 0 }))
    this.children = spec.startFrom === 'first' ? children : children.reverse()
    this.toStart = [...this.children]
    this.run()
  }

  shutdown(): void {
    this.mail.push(() => {
      if (this.exit === undefined) this.leave('normal')
    })
    this.run()
  }

  kill(): void {
    this.dead = true
    this.stopTimer()
    for (const { cancel } of this.restarts) cancel?.()
    for (const child of this.order) child.process?.kill()
  }

  private run(): void {
    if (this.busy) return
    this.busy = true
    while (!this.dead && this.step());
    this.busy = false
  }

  /** One thing after the other; false when there is nothing but to wait. */
  private step(): boolean {
    const letter = this.mail.shift()
    if (letter !== undefined) {
      letter()
      return true
    }
    if (this.terminating !== undefined) return false
    const condemned = this.children.findLast(
      (child) => child.process !== undefined && (this.exit !== undefined || this.isInGroup(child)),
    )
    if (condemned !== undefined) {
      this.terminate(condemned)
      return true
    }
    if (this.exit !== undefined) {
      this.dead = true
      this.exited(this.exit)
      return false
    }
    for (const restart of this.restarts) {
      restart.cancel ??= this.world.after(restart.delayMs, () => {
        this.mail.push(() => {
          this.restarts = this.restarts.filter((other) => other !== restart)
          const due = this.children.filter((child) => restart.group.has(child) && !child.deleted)
          this.toStart = this.children.filter((child) => this.toStart.includes(child) || due.includes(child))
        })
        this.run()
      })
    }
    const next = this.toStart.shift()
    if (next !== undefined) this.start(next)
    return next !== undefined
  }

  private start(child: Child): void {
    child.startedAt = this.world.now
    let current = true
    const exited = (exit: Exit): void => {
      this.mail.push(() => {
        if (!current) return
        current = false
        this.hearExit(child, exit)
      })
      this.run()
    }
    this.order = [...this.order.filter((other) => other !== child), child]
    const { spec } = child
    // Its exit may already lie in the mail.
    child.process = 'children' in spec ? new Supervisor(this.world, spec, exited) : new Worker(this.world, spec, exited)
  }

  private hearExit(child: Child, exit: Exit): void {
    delete child.process
    this.order = this.order.filter((other) => other !== child)
    const { restart } = child.spec
    const expected = this.exit !== undefined || this.isInGroup(child)
    if (child === this.terminating) {
      this.terminating = undefined
      this.stopTimer()
    }
    // "A temporary child process is never restarted (even when … a sibling's death causes it to be terminated)."
    if (restart === 'temporary') child.deleted = true
    if (expected || restart === 'temporary') return
    // "A transient child process is restarted only if it terminates abnormally."
    if (restart === 'transient' && exit === 'normal') return
    this.restart(child)
  }

  private restart(child: Child): void {
    const { spec, world } = this
    // "If more than MaxR number of restarts occur in the last MaxT seconds, the supervisor terminates all the child
    // processes and then itself."
    this.times = this.times.filter((time) => world.now - time < spec.withinMs)
    if (this.times.length >= spec.maxRestarts) {
      this.leave('crash')
      return
    }
    this.times.push(world.now)
    child.inARow = world.now - child.startedAt < spec.healthyAfterMs ? child.inARow + 1 : 1
    const listed = this.spec.startFrom === 'first' ? this.children : this.children.toReversed()
    const group = new Set(
      { 'one-for-one': [child], 'rest-for-one': listed.slice(listed.indexOf(child)), 'one-for-all': listed }[
        spec.strategy
      ],
    )
    for (const other of this.restarts) if (group.has(other.of)) other.cancel?.()
    this.restarts = this.restarts.filter((other) => !group.has(other.of))
    this.toStart = this.toStart.filter((other) => !group.has(other))
    this.restarts.push({ of: child, group, delayMs: backoffMs(spec, child.inARow) })
  }

  private terminate(child: Child): void {
    this.terminating = child
    const { process, spec } = child
    this.stopTimer = this.world.after(spec.shutdownTimeoutMs, () => {
      this.mail.push(() => {
        // "If no such message is received within the time, the process is terminated unconditionally."
        process?.kill()
        this.hearExit(child, 'crash')
      })
      this.run()
    })
    if ('children' in spec && spec.shutdownTimeoutMs === 0) {
      this.stopTimer()
      process?.kill()
      this.hearExit(child, 'crash')
    } else {
      process?.shutdown()
    }
  }

  private leave(exit: Exit): void {
    this.exit = exit
    for (const { cancel } of this.restarts) cancel?.()
    this.restarts = []
    this.toStart = []
  }

  private isInGroup(child: Child): boolean {
    return this.restarts.some(({ group }) => group.has(child))
  }
}

/** Grows with each crash in a row; no two delays of a tree are the same. */
export function backoffMs({ id, backoffMs: base }: TreeSpec, attempt: number): number {
  return base * attempt + fraction(`${id} ${attempt}`)
}

/** A number below 0.5, which differs from text to text, so that no two things are due at one time. */
export function fraction(text: string): number {
  let hash = 2166136261
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 16777619)
  return (hash >>> 0) / 2 ** 33
}
