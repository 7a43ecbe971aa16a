/** What lets an object be a member of a linked list: the list's own, not to be written by others. */
export interface Linked {
  next: this | undefined
  previous: this | undefined
  listed: boolean
}

/**
 * Objects in the order in which they were added, linked through themselves; each can be in one list.
 *
 * A `Set` would do the same, but when its tables are replaced they keep each other, and what was in them, until
 * the next major garbage collection: with members that come and go by the hundred thousand a second, that costs
 * more than all else.
 *
 * Take a copy (`[...list]`) to delete while iterating.
 */
export class LinkedList<T extends Linked> implements Iterable<T> {
  private head: T | undefined
  private last: T | undefined
  private count = 0

  /** The member that was added first. */
  get first(): T | undefined {
    return this.head
  }

  /** How many members there are. */
  get size(): number {
    return this.count
  }

  /** Adds a member behind the last; no effect on one that is in the list. */
  add(member: T): void {
    if (member.listed) return
    member.listed = true
    member.previous = this.last
    if (this.last === undefined) this.head = member
    else this.last.next = member
    this.last = member
    this.count += 1
  }

  /** Adds a member before the first; no effect on one that is in the list. */
  addFirst(member: T): void {
    if (member.listed) return
    member.listed = true
    member.next = this.head
    if (this.head === undefined) this.last = member
    else this.head.previous = member
    this.head = member
    this.count += 1
  }

  /** Takes a member out; `false` when it is not in the list. */
  delete(member: T): boolean {
    if (!member.listed) return false
    const { previous, next } = member
    if (previous === undefined) this.head = next
    else previous.next = next
    if (next === undefined) this.last = previous
    else next.previous = previous
    member.listed = false
    member.next = undefined
    member.previous = undefined
    this.count -= 1
    return true
  }

  /** Takes the first member out; `undefined` when there is none. */
  shift(): T | undefined {
    const { head } = this
    if (head !== undefined) this.delete(head)
    return head
  }

  /** The members, first to last. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (let member = this.head; member !== undefined; member = member.next) yield member
  }
}
