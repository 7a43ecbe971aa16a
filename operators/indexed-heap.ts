/**
 * A binary heap whose members know where in it they are, so that any of them, not only the first, can be
 * taken out in O(log n). A member may be in several heaps, each with a field of its own.
 *
 * @see Williams, "Algorithm 232: Heapsort", Communications of the ACM 7 (1964).
 */
export class IndexedHeap<Field extends string, T extends Record<Field, number>> {
  private readonly field: Field
  private readonly before: (a: T, b: T) => boolean
  private readonly members: T[] = []

  /**
   * @param field Where a member keeps its place in this heap; -1 while it is not in it.
   * @param before A strict order: which of two comes out first.
   */
  constructor(field: Field, before: (a: T, b: T) => boolean) {
    this.field = field
    this.before = before
  }

  /** How many members there are. */
  get size(): number {
    return this.members.length
  }

  /** The member that comes before all others. */
  get first(): T | undefined {
    return this.members[0]
  }

  /** Adds a member that is not in the heap. */
  add(member: T): void {
    this.members.push(member)
    this.rise(member, this.members.length - 1)
  }

  /** Takes a member out; `false` when it is not in the heap. */
  delete(member: T): boolean {
    const index = member[this.field]
    if (index === -1) return false
    this.put(member, -1)
    const last = this.members.pop() as T
    if (last === member) return true
    // The last fills the gap, and may belong above it as well as below.
    if (!this.rise(last, index)) this.sink(last, index)
    return true
  }

  /** Moves up a member that is to be put at an index; `false` when it stays there. */
  private rise(member: T, start: number): boolean {
    let index = start
    while (index > 0) {
      const parent = this.members[(index - 1) >> 1] as T
      if (!this.before(member, parent)) break
      this.place(parent, index)
      index = (index - 1) >> 1
    }
    this.place(member, index)
    return index < start
  }

  private sink(member: T, start: number): void {
    let index = start
    for (;;) {
      const left = 2 * index + 1
      if (left >= this.members.length) break
      const right = left + 1 < this.members.length && this.before(this.members[left + 1] as T, this.members[left] as T)
      const child = right ? left + 1 : left
      if (!this.before(this.members[child] as T, member)) break
      this.place(this.members[child] as T, index)
      index = child
    }
    this.place(member, index)
  }

  private place(member: T, index: number): void {
    this.members[index] = member
    this.put(member, index)
  }

  private put(member: T, index: number): void {
    const places: Record<Field, number> = member
    places[this.field] = index
  }
}
