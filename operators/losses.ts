import type { LossReason } from './channel-options.ts'

/** What a channel has lost and not told yet: it is told once the books are done, in order, also when telling loses more. */
export class Losses<T> {
  private readonly onLost: ((value: T, reason: LossReason) => void) | undefined
  private readonly untold: [T, LossReason][] = []

  constructor(onLost: ((value: T, reason: LossReason) => void) | undefined) {
    this.onLost = onLost
  }

  add(value: T, reason: LossReason): void {
    if (this.onLost !== undefined) this.untold.push([value, reason])
  }

  tell(): void {
    for (let lost = this.untold.shift(); lost !== undefined; lost = this.untold.shift()) this.onLost?.(lost[0], lost[1])
  }
}
