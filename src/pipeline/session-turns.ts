import { type Linked, LinkedList } from '../../operators/index.ts'
import { SessionFullError } from './errors.ts'
import { nameOfSession } from './session-of.ts'

/** A request that may belong to a session. */
export interface Seated<Self> {
  readonly request: unknown
  /** Its turn in its session, from its admission to its end. */
  turn: Turn<Self> | undefined
}

/** The requests of one session that have not ended, in order of admission. */
class Session<T> extends LinkedList<Turn<T>> {
  readonly name: string
  /** When the turn of the first of them came. */
  since: number

  constructor(name: string, since: number) {
    super()
    this.name = name
    this.since = since
  }
}

/** A request's turn in its session. */
export class Turn<T> implements Linked {
  readonly item: T
  readonly session: Session<T>
  next: this | undefined = undefined
  previous: this | undefined = undefined
  listed = false

  constructor(item: T, session: Session<T>) {
    this.item = item
    this.session = session
  }

  /** All that were admitted before it have ended. */
  get hasCome(): boolean {
    return this.session.first === this
  }
}

/** Whether a request may pass the first channel: none of its session is before it. */
export function mayPass({ turn }: { readonly turn: { readonly hasCome: boolean } | undefined }): boolean {
  return turn === undefined || turn.hasCome
}

/**
 * Whose turn it is in each session: one request's at a time, in order of admission, until it has ended. A session is
 * known only while a request of its is on its way; requests without one pass by.
 */
export class SessionTurns<T extends Seated<T>> {
  private readonly sessions = new Map<string, Session<T>>()
  private readonly maxWaiting: number
  private readonly now: () => number
  private readonly onTurn: (item: T) => void
  private closed = false
  private turnMs = 0
  private turns = 0

  /**
   * @param maxWaiting How many of a session may wait for their turn.
   * @param onTurn Told that the turn of one that waited has come.
   */
  constructor(maxWaiting: number, now: () => number, onTurn: (item: T) => void) {
    this.maxWaiting = maxWaiting
    this.now = now
    this.onTurn = onTurn
  }

  /** Sessions of which a request is on its way. */
  get size(): number {
    return this.sessions.size
  }

  /**
   * Gives a request its turn behind those of its session.
   *
   * @returns Why it has none, where too many wait: it is worth trying again once they have had theirs.
   */
  join(item: T): SessionFullError | undefined {
    const name = nameOfSession(item.request)
    if (name === undefined) return undefined
    let session = this.sessions.get(name)
    if (session === undefined) {
      session = new Session(name, this.now())
      this.sessions.set(name, session)
    } else if (session.size > this.maxWaiting) {
      return new SessionFullError(this.maxWaiting, (session.size * this.turnMs) / Math.max(1, this.turns))
    }
    item.turn = new Turn(item, session)
    session.add(item.turn)
    return undefined
  }

  /** A request has ended: if it was its turn, the next one's comes. */
  leave(item: T): void {
    const { turn } = item
    if (turn === undefined) return
    item.turn = undefined
    const { session, hasCome } = turn
    session.delete(turn)
    if (session.size === 0) this.sessions.delete(session.name)
    if (!hasCome) return
    const now = this.now()
    this.turnMs += now - session.since
    this.turns += 1
    session.since = now
    if (session.first !== undefined && !this.closed) this.onTurn(session.first.item)
  }

  /** No further turn comes: all is about to end. */
  close(): void {
    this.closed = true
  }
}
