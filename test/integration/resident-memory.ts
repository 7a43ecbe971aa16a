import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Collects the garbage, also in a process that was not started with `--expose-gc`. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  gc()
}

/** What is alive on the heap, in MB. */
export async function liveHeapMb(): Promise<number> {
  // What a weak reference was made for lives until the end of the job.
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  return process.memoryUsage().heapUsed / 1_000_000
}

/** Watches how much of the machine's memory the process holds. */
export class ResidentMemory {
  private readonly baseline: number
  private peak: number

  /** Begins with the memory held now, once the garbage is collected. */
  constructor() {
    collectGarbage()
    this.baseline = process.memoryUsage.rss()
    this.peak = this.baseline
  }

  /** Looks now. */
  look(): void {
    this.peak = Math.max(this.peak, process.memoryUsage.rss())
  }

  /** The most that was held at any look beyond what was held at first, in MB. */
  get growthMb(): number {
    this.look()
    return Math.round((this.peak - this.baseline) / 10_000) / 100
  }
}
