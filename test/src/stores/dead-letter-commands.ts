import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import { type Clock, systemClock } from '../../../operators/index.ts'
import type {
  ClaimedDeadLetter,
  DeadLetter,
  DeadLetterFilter,
  DeadLetterStore,
  DeadLetterStoreOptions,
  Lease,
  StoredDeadLetter,
} from '../../../src/stores/index.ts'
import type { DeadLetterStoreSubject } from '../../../src/testing/index.ts'
import { createModelDeadLetterStore } from '../../fixtures/model-dead-letter-store.ts'

/** How time passes for the store that is compared. */
export interface PlayOptions {
  /**
   * It has the subject's virtual clock, so every time must be the model's. Otherwise time passes by itself: nothing is
   * asked of a time that is not over, and times are not compared.
   */
  readonly virtual: boolean
  readonly numRuns: number
}

/** The store in memory, and the leases that both have given for the same entries. */
interface Model {
  readonly store: DeadLetterStore
  readonly leases: { readonly model: Lease; readonly real: Lease }[]
}

/** The store that is compared: reopened now and then. */
interface Real {
  readonly subject: DeadLetterStoreSubject
  readonly options: DeadLetterStoreOptions
  readonly virtual: boolean
  store: DeadLetterStore
  /** How often it has answered `stored`: what its own figure is compared with. */
  stored: number
}

/** What a command does with either store: at this time, with this one of the leases that the store has given. */
type Play = (store: DeadLetterStore, now: number, lease: (at: number) => Lease | undefined) => Promise<unknown>

const longMs = 60_000
/** Few different times, so that one often ends in the very millisecond in which another begins. */
const tens = (max: number): fc.Arbitrary<number> => fc.nat(max).map((number) => 10 * number)
const shortMs = 3

/** A command that gives the same on both stores, and leaves both alike. */
class Step implements fc.AsyncCommand<Model, Real> {
  private readonly title: string
  private readonly play: Play
  /** How much time is over afterwards. */
  private readonly passMs: number

  constructor(title: string, play: Play, passMs: number = 0) {
    this.title = title
    this.play = play
    this.passMs = passMs
  }

  check(): boolean {
    return true
  }

  async run(model: Model, real: Real): Promise<void> {
    const now = real.subject.now()
    const expected = await this.play(model.store, now, (at) => pick(model.leases, at)?.model)
    const result = await this.play(real.store, now, (at) => pick(model.leases, at)?.real)
    deepEqual(shown(result, real), shown(expected, real))
    if (result === 'stored') real.stored += 1
    if (isClaims(expected) && isClaims(result)) {
      for (const [at, { lease }] of expected.entries()) model.leases.push({ model: lease, real: result[at]!.lease })
    }
    // A millisecond for each: what happens in the same one has another order.
    const passMs = real.virtual ? this.passMs : this.passMs + 2
    if (passMs > 0) await real.subject.advance(passMs)
    await compare(model, real)
  }

  toString(): string {
    return this.title
  }
}

class Reopen implements fc.AsyncCommand<Model, Real> {
  check(): boolean {
    return true
  }

  async run(model: Model, real: Real): Promise<void> {
    await real.store.close()
    real.store = await real.subject.reopen(real.options)
    await compare(model, real)
  }

  toString(): string {
    return 'reopen'
  }
}

/**
 * Plays random commands on a store and on the model, which must answer alike and have the same entries and figures after
 * each.
 */
export async function playDeadLetterStore(
  create: (options: DeadLetterStoreOptions) => DeadLetterStoreSubject | Promise<DeadLetterStoreSubject>,
  { virtual, numRuns }: PlayOptions,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(limits(virtual), fc.commands(commands(virtual), { size: '+1' }), async (options, steps) => {
      const subject = await create(options)
      const clock: Clock = { ...systemClock, wallTime: () => subject.now() }
      const real: Real = { subject, options, virtual, store: subject.store, stored: 0 }
      try {
        await fc.asyncModelRun(
          () => ({ model: { store: createModelDeadLetterStore({ ...options, clock }), leases: [] }, real }),
          steps,
        )
      } finally {
        await real.store.close()
        await subject.store.close()
        await subject.dispose?.()
      }
    }),
    { numRuns },
  )
}

function limits(virtual: boolean): fc.Arbitrary<DeadLetterStoreOptions> {
  return fc
    .record({
      maxEntries: fc.integer({ min: 1, max: 8 }),
      maxDead: fc.integer({ min: 1, max: 4 }),
      maxBytes: fc.oneof(fc.integer({ min: 200, max: 2_000 }), fc.constant(1_000_000)),
      maxEntryBytes: fc.constantFrom(300, 1_000_000),
      maxAgeMs: virtual ? fc.constantFrom(10, 50, longMs) : fc.constant(longMs),
      maxAttempts: fc.integer({ min: 1, max: 3 }),
      doneWindowMs: virtual ? tens(5) : fc.constantFrom(0, longMs),
      maxDone: fc.integer({ min: 0, max: 3 }),
      encryptionKeys: fc.constantFrom([], [new Uint8Array(32).fill(3)]),
    })
    .map(({ maxDead, maxEntries, ...others }) => ({ ...others, maxEntries, maxDead: Math.min(maxDead, maxEntries) }))
}

const ids = ['a', 'b', 'c', 'd', '*', '}', '\u0000', '😀'] as const
const id = fc.constantFrom(...ids)
const several = fc.array(id, { maxLength: 4 })
const which = fc.nat(9)
const session = fc.constantFrom(undefined, 'one', 'two')
const stage = fc.constantFrom('rag', 'inference')
const kind = fc.constantFrom('failed' as const, 'shed' as const)
const error = fc.option(fc.constantFrom('', 'no words', 'é'.repeat(100)), { nil: undefined })
const failure = fc.record({ stage, kind, reason: fc.constantFrom('full', 'stage_failed') })

function commands(virtual: boolean): fc.Arbitrary<fc.AsyncCommand<Model, Real>>[] {
  /** A time that is waited for, or does not end. */
  const ms = virtual ? fc.constantFrom(10, 20, 30) : fc.constantFrom(shortMs, longMs)
  const over = (given: number): number => (given === shortMs && !virtual ? shortMs : 0)
  const age = virtual ? tens(6) : fc.constantFrom(0, 2 * longMs)
  const put = fc
    .record({ id, failure, error, session, age, dead: fc.boolean(), size: fc.nat(300), other: fc.boolean() })
    .map(({ id: submissionId, failure: how, error: text, session: name, age: ageMs, dead, size, other }) => {
      const letter: Omit<DeadLetter, 'firstSeenAt' | 'lastSeenAt'> = {
        ...{ submissionId, id: submissionId, pipeline: 'chat', ...how, request: { text: 'x'.repeat(size), other } },
        ...(text !== undefined && { error: text }),
        ...(name !== undefined && { session: name }),
      }
      return new Step(`put ${JSON.stringify({ ...letter, request: { size, other }, ageMs, dead })}`, (store, now) =>
        settled(store.put({ ...letter, firstSeenAt: now - ageMs, lastSeenAt: now + 0.5 }, { dead })),
      )
    })
  const claim = fc
    .record({ limit: fc.integer({ min: 1, max: 6 }), leaseMs: ms, perSession: fc.constantFrom(undefined, 1, 2) })
    .map(({ limit, leaseMs, perSession }) => {
      const options = { pipeline: 'chat', limit, leaseMs, ...(perSession !== undefined && { perSession }) }
      return new Step(`claim ${JSON.stringify(options)}`, (store) => store.claim(options), over(leaseMs))
    })
  const retry = virtual ? tens(3) : fc.constantFrom(0, shortMs, longMs)
  return [
    put,
    put,
    claim,
    claim,
    which.map((at) => withLease(`ack ${at}`, at, (store, lease) => store.ack(lease))),
    fc
      .tuple(which, failure, error, retry, fc.boolean())
      .map(([at, how, text, retryInMs, final]) =>
        withLease(
          `fail ${at} ${JSON.stringify({ how, text, retryInMs, final })}`,
          at,
          (store, lease) =>
            store.fail(lease, { ...how, ...(text !== undefined && { error: text }) }, { retryInMs, final }),
          over(retryInMs),
        ),
      ),
    fc
      .tuple(which, retry)
      .map(([at, retryInMs]) =>
        withLease(`defer ${at} ${retryInMs}`, at, (store, lease) => store.defer(lease, { retryInMs }), over(retryInMs)),
      ),
    fc
      .tuple(which, ms)
      .map(([at, leaseMs]) =>
        withLease(`extend ${at} ${leaseMs}`, at, (store, lease) => store.extend(lease, { leaseMs }), over(leaseMs)),
      ),
    several.map((some) => new Step(`replay ${JSON.stringify(some)}`, (store) => store.replay(some))),
    several.map((some) => new Step(`purge ${JSON.stringify(some)}`, (store) => store.purge(some))),
    id.map((one) => new Step(`get ${JSON.stringify(one)}`, (store) => store.get(one))),
    fc
      .record({ session, stage, kind, state: fc.constantFrom('due' as const, 'dead' as const) }, { requiredKeys: [] })
      .map(({ session: name, ...others }) => {
        const filter = { ...others, ...(name !== undefined && { session: name }) }
        return new Step(`list ${JSON.stringify(filter)}`, (store) => all(store, filter, 2))
      }),
    fc.constant(new Step('sweep', (store) => store.sweep())),
    (virtual ? fc.constantFrom(1, 10, 20) : fc.constant(1)).map(
      (passMs) => new Step(`${passMs} ms`, async () => undefined, passMs),
    ),
    fc.constant(new Reopen()),
  ]
}

/** A command on one of the leases, whether or not it is over; nothing where there is none. */
function withLease(
  title: string,
  at: number,
  play: (store: DeadLetterStore, lease: Lease) => Promise<unknown>,
  passMs: number = 0,
): Step {
  return new Step(
    title,
    async (store, _, leaseAt) => {
      const lease = leaseAt(at)
      return lease && play(store, lease)
    },
    passMs,
  )
}

/** The newest leases are the likeliest to be there still. */
function pick<T>(items: readonly T[], at: number): T | undefined {
  return items.at(-1 - (at % Math.max(1, items.length)))
}

/** The code of an error is an answer, too. */
async function settled(answer: Promise<unknown>): Promise<unknown> {
  return answer.catch((problem: unknown) => (problem as { readonly code?: unknown }).code ?? Promise.reject(problem))
}

function isClaims(result: unknown): result is readonly ClaimedDeadLetter[] {
  return Array.isArray(result) && result.every((item: unknown) => typeof item === 'object')
}

async function all(
  store: DeadLetterStore,
  filter: DeadLetterFilter,
  limit: number,
): Promise<readonly StoredDeadLetter[]> {
  const entries: StoredDeadLetter[] = []
  let page = await store.list({ ...filter, limit })
  entries.push(...page.entries)
  while (page.cursor !== undefined) {
    page = await store.list({ ...filter, limit, cursor: page.cursor })
    entries.push(...page.entries)
  }
  return entries
}

/** Both have the same entries and figures, and the figures are those of the entries. */
async function compare(model: Model, real: Real): Promise<void> {
  const [entries, counts] = [await all(real.store, {}, 3), await real.store.counts()]
  deepEqual(shown(entries, real), shown(await all(model.store, {}, 3), real))
  deepEqual(counts, await model.store.counts())
  const { due, leased, dead, bytes, totals } = counts
  const inState = (wanted: string): number => entries.filter(({ state }) => state === wanted).length
  deepEqual({ due, leased, dead }, { due: inState('due'), leased: inState('leased'), dead: inState('dead') })
  equal(new Set(entries.map(({ submissionId }) => submissionId)).size, due + leased + dead)
  const { stored, acked, evicted, expired, purged, orphaned } = totals
  equal(stored, real.stored)
  equal(stored, due + leased + dead + acked + evicted + expired + purged + orphaned)
  const { maxEntries = Infinity, maxDead = Infinity, maxBytes = Infinity } = real.options
  ok(due + leased + dead <= maxEntries)
  ok(dead <= maxDead)
  // What is there may fail with a longer error than before.
  if (totals.died + sum(entries.map(({ attempts }) => attempts)) === 0) ok(bytes <= maxBytes)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((before, number) => before + number, 0)
}

/** An answer without what is each store's own: tokens, and times that pass by themselves. */
function shown(answer: unknown, { virtual }: Real): unknown {
  return JSON.parse(
    JSON.stringify(answer ?? null, (name, value: unknown) =>
      name === 'token' || (!virtual && (name === 'stateAt' || name === 'lastSeenAt')) ? undefined : value,
    ),
  )
}
