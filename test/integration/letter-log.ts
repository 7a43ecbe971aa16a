import type { DeadLetterStore } from '../../src/stores/index.ts'

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

  /** @param line `put ID`, `run ID EPOCH` or `acked ID`. */
  read(line: string): void {
    const [what, submissionId = '', epoch] = line.split(' ')
    if (what === 'put') this.put.add(submissionId)
    else if (what === 'acked') this.acked.add(submissionId)
    else if (what === 'run') this.run(submissionId, Number(epoch))
    else this.faults.push(`a process said ${JSON.stringify(line)}`)
  }

  run(submissionId: string, epoch: number): void {
    const epochs = this.runs.get(submissionId) ?? new Set()
    if (epochs.has(epoch)) this.faults.push(`${submissionId} was run twice under lease ${epoch}`)
    this.runs.set(submissionId, epochs.add(epoch))
  }

  /** What must not be in the store while there is something to be run. */
  async judgeRevived(store: DeadLetterStore): Promise<void> {
    const revived = (await idsIn(store)).filter((id) => this.acked.has(id))
    for (const id of revived) this.faults.push(`${id} was acked, and is there still`)
  }

  /** Once there is nothing left to be run. */
  async judge(store: DeadLetterStore): Promise<LetterReport> {
    await this.judgeRevived(store)
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
}

async function idsIn(store: DeadLetterStore): Promise<readonly string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = await store.list(cursor === undefined ? {} : { cursor })
    ids.push(...page.entries.map(({ submissionId }) => submissionId))
    cursor = page.cursor
  } while (cursor !== undefined)
  return ids
}
