import type { Clock, RandomSource, ShedReason, TimerWheel } from '../../operators/index.ts'
import type { Door } from './door.ts'
import { mayPass } from './session-turns.ts'
import type { Carried, Stage } from './stage-context.ts'
import { isHigh } from './stage-wait.ts'
import { WaitingRoom } from './waiting-room.ts'

/** Who leads out of a waiting room. */
export interface Usher {
  /** Past the door, to the first stage. */
  letIn(envelope: Carried): void
  /** Into the channel of the stage before which it is. */
  bring(envelope: Carried, node: Stage): void
  shed(envelope: Carried, node: Stage, reason: ShedReason): void
}

/** The waiting rooms of a pipeline: one at the door, and one before each stage that decides for itself. */
export class WaitingRooms {
  private readonly usher: Usher
  /** Where requests wait for a place in every channel: all need the same, so there is one line. */
  private readonly lobby: WaitingRoom<Carried, Stage>
  private readonly rooms: ReadonlyMap<Stage, WaitingRoom<Carried, Stage>>

  constructor(
    nodes: readonly Stage[],
    door: Door,
    ground: { readonly clock: Clock; readonly random: RandomSource; readonly wheel: TimerWheel },
    usher: Usher,
  ) {
    this.usher = usher
    const host = {
      ...ground,
      turnAway: (envelope: Carried, node: Stage, reason: ShedReason): void => {
        usher.shed(envelope, node, reason)
      },
    }
    this.lobby = new WaitingRoom({
      ...host,
      hasRoom: () => door.full === undefined,
      isTooLarge: () => false,
      letIn: (envelope) => {
        usher.letIn(envelope)
      },
    })
    const createRoom = (node: Stage): WaitingRoom<Carried, Stage> =>
      new WaitingRoom({
        ...host,
        hasRoom: (envelope) => node.channel.accepts(envelope),
        isTooLarge: (envelope) => node.isTooLarge(envelope),
        letIn: (envelope) => {
          usher.bring(envelope, node)
        },
      })
    const deciding = nodes.filter((node) => node.settings.wait !== undefined && !node.reserves)
    this.rooms = new Map(deciding.map((node) => [node, createRoom(node)]))
  }

  /** Somebody comes to the door: those who wait there go first. */
  serveDoor(): void {
    if (this.lobby.size > 0) this.lobby.serve()
  }

  /** Lets a request wait at the door, if the stage that is full allows that. */
  waitAtDoor(envelope: Carried, full: Stage): boolean {
    return this.wait(envelope, full, this.lobby)
  }

  /** Lets those go first who wait for room; `false` when it does not go in itself: it waits, too, or has ended. */
  mayPass(envelope: Carried, node: Stage): boolean {
    const room = this.rooms.get(node) as WaitingRoom<Carried, Stage>
    envelope.place = 'outside'
    room.serve()
    const { first } = room
    // What matters more than those who wait can have the place of what matters less than they do.
    const outranks = first !== undefined && envelope.priority > first.priority
    const passes = first === undefined || (node.settings.overflow === 'drop-lowest' && outranks)
    if (passes && node.channel.accepts(envelope)) return envelope.kind === undefined
    if (envelope.kind !== undefined) return false
    if (node.isTooLarge(envelope) || !this.wait(envelope, node, room)) {
      this.usher.shed(envelope, node, node.shedReasonOf(envelope))
    }
    return false
  }

  /** There may be room in a stage's channel. */
  roomMade(node: Stage): void {
    this.rooms.get(node)?.roomMade()
    this.lobby.roomMade()
  }

  /** Places that had been reserved are free. */
  placesMade(): void {
    if (this.lobby.size > 0) this.lobby.roomMade()
  }

  /** Lets nobody wait any more, and gives back those who did. */
  close(): readonly Carried[] {
    return [this.lobby, ...this.rooms.values()].flatMap((room) => room.close())
  }

  /** Who is held would keep others from slots that are free: it has a place in the first channel at once, or none. */
  private wait(envelope: Carried, node: Stage, room: WaitingRoom<Carried, Stage>): boolean {
    if (!mayPass(envelope)) return false
    envelope.waiter = room.join(envelope, node, isHigh(envelope.request))
    if (envelope.waiter === undefined) return false
    envelope.stage = node.index
    envelope.place = 'pending'
    return true
  }
}
