import { setTimeout } from 'node:timers/promises'
import type { DeadLetterStore } from '../../src/stores/index.ts'
import { listAll } from '../../src/testing/dead-letters/store-check.ts'

/** What became of all entries. */
export interface LetterReport {
  /** Entries whose `put` a process knew to be acknowledged. */
  readonly acknowledged: number
  /** Runs of entries beyond the first, after a fault, a failure or a deferral. */
  readonly duplicates: number
  /** Entries that were given up, and never run. */
  readonly dead: number
  /** What must not be, in sentences. */
  readonly faults: readonly string[]
}

/** What processes that share a store of dead letters have said of them, a line for each thing. */
export class LetterLog {
  readonly faults: string[] = []
  private readonly put = new Set<string>()
  private readonly acked = new Set<string>()
  /** The epochs of each entry's runs. */
  private readonly runs = new Map<string, Set<number>>()

  private lines = 0
  private awaited: { readonly lines: number; readonly resolve: () => void } | undefined

  /** @param line `put ID`, `run ID EPOCH` or `acked ID`. */
  read(line: string): void {
    this.lines += 1
    if (this.lines === this.awaited?.lines) this.awaited.resolve()
    const [what, submissionId = '', epoch] = line.split(' ')
    if (what === 'put') this.put.add(submissionId)
    else if (what === 'acked') this.acked.add(submissionId)
    else if (what === 'run') this.run(submissionId, Number(epoch))
    else this.faults.push(`a process said ${JSON.stringify(line)}`)
  }

  private run(submissionId: string, epoch: number): void {
    const epochs = this.runs.get(submissionId) ?? new Set()
    if (epochs.has(epoch)) this.faults.push(`${submissionId} was run twice under lease ${epoch}`)
    this.runs.set(submissionId, epochs.add(epoch))
  }

  /** Waits until it has as many lines more. */
  async growth(lines: number): Promise<void> {
    await new Promise<void>((resolve) => (this.awaited = { lines: this.lines + lines, resolve }))
  }

  /** Runs what can be run still, once nobody else does, and says what became of all. */
  async judge(store: DeadLetterStore): Promise<LetterReport> {
    const revived = (await idsIn(store)).filter((id) => this.acked.has(id))
    for (const id of revived) this.faults.push(`${id} was acked, and is there still`)
    await this.drain(store)
    const given = await idsIn(store)
    const dead = new Set(given)
    const lost = [...this.put].filter((id) => !this.runs.has(id) && !dead.has(id))
    for (const id of lost) this.faults.push(`${id} was acknowledged, and neither run nor given up`)
    const counts = await store.counts()
    const { due, leased, dead: kept, totals } = counts
    const { stored, acked, evicted, expired, purged, orphaned } = totals
    if (stored !== due + leased + kept + acked + evicted + expired + purged + orphaned || kept !== given.length) {
      this.faults.push(`the books do not balance with ${given.length} entries: ${JSON.stringify(counts)}`)
    }
    return {
      acknowledged: this.put.size,
      duplicates: [...this.runs.values()].reduce((sum, epochs) => sum + epochs.size - 1, 0),
      dead: given.filter((id) => !this.runs.has(id)).length,
      faults: this.faults,
    }
  }

  private async drain(store: DeadLetterStore): Promise<void> {
    for (let open = true; open;) {
      const claimed = await store.claim({ pipeline: 'chat', limit: 100, leaseMs: 60_000 })
      for (const { lease } of claimed) {
        this.run(lease.submissionId, lease.epoch)
        if ((await store.ack(lease)) !== 'acked') this.faults.push(`${lease.submissionId} could not be acked`)
      }
      const { due, leased } = await store.counts()
      open = due + leased > 0
      // What is leased still may be had when that is over.
      if (claimed.length === 0) await setTimeout(50)
    }
  }
}

async function idsIn(store: DeadLetterStore): Promise<readonly string[]> {
  return (await listAll(store)).map(({ submissionId }) => submissionId)
}
