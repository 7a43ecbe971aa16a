import { mayPass } from './session-turns.ts'
import type { Carried, Stage } from './stage-context.ts'

/**
 * The reservations: how many places there still are in the channels that take nobody without one, for requests that
 * have not got there.
 */
export class Door {
  private readonly places: readonly Stage[]
  /** Those that may refuse a request here though they have a place for it. */
  readonly guarded: readonly Stage[]

  /** @param nodes All stages; those without reservations decide for themselves. */
  constructor(nodes: readonly Stage[]) {
    this.places = nodes.filter(({ reserves }) => reserves)
    this.guarded = this.places.filter(({ overload }) => overload !== undefined)
  }

  /** The first stage that has no place for one request more. */
  get full(): Stage | undefined {
    for (const node of this.places) if (node.full) return node
    return undefined
  }

  /** The first stage that has no place for a request; one that is held before the first needs one in its line. */
  fullFor(envelope: Carried): Stage | undefined {
    return this.full ?? (mayPass(envelope) ? undefined : this.fullLine)
  }

  private get fullLine(): Stage | undefined {
    const [first] = this.places
    if (first?.index !== 0) return undefined
    return first.ahead + first.channel.size >= first.channel.capacity ? first : undefined
  }

  /** Reserves a place in each channel. */
  reserve(envelope: Carried): void {
    for (const node of this.places) node.ahead += 1
    envelope.reservedFrom = 0
  }

  /** The request has reached a stage, where its reservation becomes its place. */
  reach(envelope: Carried, node: Stage): void {
    node.ahead -= 1
    envelope.reservedFrom = node.index + 1
  }

  /** Gives back the places that a request will not need. */
  giveBack(envelope: Carried): void {
    const { reservedFrom } = envelope
    if (reservedFrom === -1) return
    envelope.reservedFrom = -1
    for (const node of this.places) if (node.index >= reservedFrom) node.ahead -= 1
  }
}
