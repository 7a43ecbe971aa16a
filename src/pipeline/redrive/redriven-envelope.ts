import { Envelope } from '../envelope.ts'
import type { Origin, Outcome, OutcomeKind } from '../outcome.ts'

/** A request that the retry worker has submitted: a class of its own, so that those of clients carry no more for it. */
export class RedrivenEnvelope<Run> extends Envelope<Run> {
  override get origin(): Origin {
    return 'redrive'
  }

  protected override toOutcome(kind: OutcomeKind): Outcome<unknown> {
    return { ...super.toOutcome(kind), origin: 'redrive' }
  }
}
