/** Items that were put back and wait again, each as often as it was: equal ones, such as texts, are told apart by their number. */
export class PutBack<T> {
  private readonly counts = new Map<T, number>()

  add(item: T): void {
    this.counts.set(item, (this.counts.get(item) ?? 0) + 1)
  }

  /** Forgets one such item. @returns Whether there was one. */
  delete(item: T): boolean {
    if (this.counts.size === 0) return false
    const count = this.counts.get(item) ?? 0
    if (count > 1) this.counts.set(item, count - 1)
    else this.counts.delete(item)
    return count > 0
  }

  clear(): void {
    this.counts.clear()
  }
}
