import { type Clock, messageOf } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import type { StageMeter } from '../metrics/stage-meter.ts'
import { StoreError, UnstorableError } from '../stores/store-error.ts'
import { describeError } from './describe-error.ts'
import { StoreCalls } from './redrive/store-calls.ts'
import type { RequestSession } from './request-session.ts'
import { nameOfSession } from './session-of.ts'
import type { SessionSettings } from './session-options.ts'
import type { SessionFullError } from './errors.ts'
import { type Seated, SessionTurns } from './session-turns.ts'

/** What a store is taken to hold at the most in one session that does not say it. */
const defaultMaxBytes = 65_536
/** How often a state is stored anew that another process was ahead of. */
const updateAttempts = 5

/** The sessions of a pipeline: whose turn it is in each, and what is stored of them. */
export class Sessions<T extends Seated<T>> {
  readonly serial: boolean
  private readonly settings: SessionSettings
  private readonly turns: SessionTurns<T> | undefined
  private readonly calls: StoreCalls
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly meter: StageMeter
  private loggedAt = -Infinity
  private unlogged = 0
  private isAway = false

  /** @param onTurn Told that the turn of one that waited for it has come. */
  constructor(
    settings: SessionSettings,
    { clock, logger, meter }: { readonly clock: Clock; readonly logger: Logger; readonly meter: StageMeter },
    onTurn: (item: T) => void,
  ) {
    this.settings = settings
    this.serial = settings.serial
    this.turns = settings.serial ? new SessionTurns(settings.maxWaiting, () => clock.now(), onTurn) : undefined
    this.calls = new StoreCalls(clock, settings.timeoutMs)
    this.clock = clock
    this.logger = logger
    this.meter = meter
  }

  /** Sessions of which requests take turns. */
  get size(): number {
    return this.turns?.size ?? 0
  }

  /** `away` when the last update failed by an outage, until one is answered: who can be read may yet take nothing. */
  get state(): 'ready' | 'away' {
    return this.isAway ? 'away' : 'ready'
  }

  /** A request comes; see `SessionTurns`. */
  join(item: T): SessionFullError | undefined {
    return this.turns?.join(item)
  }

  /** A request has ended. */
  leave(item: T): void {
    this.turns?.leave(item)
  }

  /** All is about to end: no further turn comes, and nobody waits for the store any more. */
  close(): void {
    this.turns?.close()
    this.calls.close()
  }

  /** What is stored of a request's session; `undefined` where it has none. */
  of(request: unknown): RequestSession | undefined {
    const id = nameOfSession(request)
    if (id === undefined) return undefined
    return {
      maxBytes: this.settings.store.maxBytes ?? defaultMaxBytes,
      read: (parse) => this.unlessAway('read', async () => parse((await this.get(id))?.state)),
      update: (change) => this.unlessAway('update', () => this.update(id, change)),
    }
  }

  private get(id: string): ReturnType<SessionSettings['store']['get']> {
    return this.calls.ask((signal) => this.settings.store.get(id, { signal }))
  }

  private async update(id: string, change: (state: unknown) => unknown): Promise<void> {
    for (let attempt = 1; attempt <= updateAttempts; attempt++) {
      const { version = 0, state } = (await this.get(id)) ?? {}
      const next = change(state)
      if ((await this.put(id, version, next)) === 'ok') return
    }
    throw new StoreError(`others have changed the session ${updateAttempts} times meanwhile`)
  }

  private async put(id: string, version: number, state: unknown): Promise<'ok' | 'conflict'> {
    try {
      const answer = await this.calls.ask((signal) => this.settings.store.update(id, version, state, { signal }))
      this.isAway = false
      return answer
    } catch (error) {
      // A drain that has no time left, or a state that none could take, says nothing of the store.
      if (!this.calls.closed && !(error instanceof UnstorableError)) this.isAway = true
      throw error
    }
  }

  /** Does what is configured where something is wrong with the store or what is in it. */
  private async unlessAway<R>(operation: 'read' | 'update', work: () => Promise<R>): Promise<R | undefined> {
    try {
      return await work()
    } catch (error) {
      this.meter.count('sessionOutages', operation)
      this.log(operation, error)
      if (this.settings.onOutage === 'continue-without') return undefined
      const what = operation === 'read' ? 'read' : 'stored'
      throw new StoreError(`the session could not be ${what}: ${messageOf(error)}`, { cause: error })
    }
  }

  /** At most once a second. */
  private log(operation: string, error: unknown): void {
    this.unlogged += 1
    const now = this.clock.now()
    if (now - this.loggedAt < 1000) return
    this.logger.warn({ operation, count: this.unlogged, ...describeError(error) }, 'sessions not read or stored')
    this.unlogged = 0
    this.loggedAt = now
  }
}
