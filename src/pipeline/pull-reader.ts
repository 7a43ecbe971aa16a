/**
 * The pace-setting reader of a stream: chunks gather in a bounded buffer while it is busy, and when it asks
 * it gets all that are there.
 */
export class PullReader<Chunk> {
  private readonly limit: number
  private readonly onTaken: (count: number) => void
  private buffer: Chunk[] = []
  /** Those who asked for chunks before there were any, in their order. */
  private asking: { readonly most: number; readonly resolve: (batch: Chunk[]) => void }[] = []
  private delivering = false
  private ended = false
  private room: Promise<void> | undefined
  private openRoom: (() => void) | undefined
  private emptied: PromiseWithResolvers<void> | undefined

  /**
   * @param limit Chunks that may wait, 1 ….
   * @param onTaken Told how many chunks the reader has just taken.
   */
  constructor(limit: number, onTaken: (count: number) => void) {
    this.limit = limit
    this.onTaken = onTaken
  }

  /** Chunks that wait to be taken. */
  get size(): number {
    return this.buffer.length
  }

  /** The reader waits for chunks, not they for it. */
  get waiting(): boolean {
    return this.asking.length > 0
  }

  /** Takes a chunk in; `false` when there was no room for it. */
  receive(chunk: Chunk): boolean {
    if (this.buffer.length >= this.limit) return false
    this.buffer.push(chunk)
    if (this.waiting && !this.delivering) {
      // Once no promise is left to run, so that chunks which need no input or output between them are taken together.
      this.delivering = true
      process.nextTick(() => {
        this.delivering = false
        this.deliver()
      })
    }
    return true
  }

  /** Resolves once there is room; `undefined` when there is. */
  ready(): Promise<void> | undefined {
    if (this.buffer.length < this.limit) return undefined
    this.room ??= new Promise((resolve) => {
      this.openRoom = resolve
    })
    return this.room
  }

  /** Resolves once all chunks have been taken, or none is any more; `undefined` when that is so. */
  taken(): Promise<void> | undefined {
    if (this.buffer.length === 0) return undefined
    this.emptied ??= Promise.withResolvers()
    return this.emptied.promise
  }

  /** The chunks that are there, at most so many; an empty batch means that none will come. */
  ask(most: number = Infinity): Promise<Chunk[]> {
    if (!this.waiting && (this.buffer.length > 0 || this.ended)) return Promise.resolve(this.take(most))
    return new Promise((resolve) => {
      this.asking.push({ most, resolve })
    })
  }

  /** Nothing more will come: what is buffered can still be taken, and whoever asks or waits for room is let go. */
  end(): void {
    this.ended = true
    this.openRoom?.()
    this.emptied?.resolve()
    if (this.buffer.length === 0) this.deliver()
  }

  /** Forgets what is buffered. */
  clear(): void {
    this.buffer = []
  }

  /** Gives those who ask what is there, in their order; after the end, nothing. */
  private deliver(): void {
    while (this.waiting && (this.buffer.length > 0 || this.ended)) {
      const asking = this.asking.shift()
      asking?.resolve(this.take(asking.most))
    }
  }

  private take(most: number): Chunk[] {
    const batch = this.buffer.length <= most ? this.buffer : this.buffer.splice(0, most)
    if (batch === this.buffer) this.buffer = []
    if (batch.length === 0) return batch
    const open = this.openRoom
    this.room = undefined
    this.openRoom = undefined
    this.onTaken(batch.length)
    open?.()
    if (this.buffer.length === 0) {
      this.emptied?.resolve()
      this.emptied = undefined
    }
    return batch
  }
}
