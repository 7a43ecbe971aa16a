import type { Carried } from '../pipeline/stage-context.ts'
import type { StageRanking } from '../pipeline/stage-ranking.ts'

type Sharing = NonNullable<StageRanking['sharing']>

/** What a stage's functions say of a request. */
export interface Ranks {
  readonly weight: number
  readonly priority: number
  readonly tenant: string
  readonly share: number
}

/** One answer, and what was asked about. */
interface Told {
  readonly value: unknown
  readonly request: unknown
  weight: number
  priority: number
  tenant: string
  share: number
}

/** Listens to what a stage's functions say of requests, whatever is made of it. */
export class ToldRanks {
  private readonly told: Told[] = []

  /** The same functions, overheard. */
  overhear({ weight, priority, sharing }: StageRanking): StageRanking {
    return {
      sharing: sharing && this.overhearSharing(sharing, weight === undefined && priority === undefined),
      weight: weight && ((value, request) => (this.asked(value, request).weight = weight(value, request))),
      // Of the same request the weight is asked for first.
      priority:
        priority &&
        ((value, request) => {
          const told = weight === undefined ? this.asked(value, request) : (this.told.at(-1) as Told)
          return (told.priority = priority(value, request))
        }),
    }
  }

  /** What they said of a request that comes to the channel now; `undefined`: they were not asked. */
  take({ value, request, weight, priority }: Carried): Ranks | undefined {
    // What says the same of itself may have been told different things of: then the one that was used.
    const same = this.told.filter((told) => Object.is(told.value, value) && Object.is(told.request, request))
    const taken = same.find((told) => told.weight === weight && told.priority === priority) ?? same[0]
    if (taken !== undefined) this.told.splice(this.told.indexOf(taken), 1)
    return taken
  }

  /** @param isFirst Nothing else is asked of a request before. */
  private overhearSharing({ tenant, share }: Sharing, isFirst: boolean): Sharing {
    return {
      tenant: (value, request) => {
        const told = isFirst ? this.asked(value, request) : (this.told.at(-1) as Told)
        return (told.tenant = tenant(value, request))
      },
      ...(share && {
        share: (value: unknown, request: unknown) => ((this.told.at(-1) as Told).share = share(value, request)),
      }),
    }
  }

  private asked(value: unknown, request: unknown): Told {
    const told = { value, request, weight: 1, priority: 0, tenant: '', share: 1 }
    this.told.push(told)
    return told
  }
}
