import type { Clock } from '../../operators/index.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { PlannedRequest } from './pipeline-scenario.ts'

/** Reads a reply as a scenario has it, and notes how that ends unless the reader goes away itself. */
export function readReply(reply: Reply<unknown>, plan: PlannedRequest, clock: Clock, ends: unknown[]): void {
  if (plan.reads === 'nothing') return
  const read = (): void => {
    if (plan.reads === 'pushed') push(reply, plan, ends)
    else void pull(reply, plan, clock, ends)
  }
  if (plan.readAfterMs === 0) read()
  else clock.setTimeout(read, plan.readAfterMs)
}

function push(reply: Reply<unknown>, { stopsAfter = Infinity }: PlannedRequest, ends: unknown[]): void {
  let taken = 0
  const subscription = reply.output$.subscribe({
    next: () => {
      taken += 1
      if (taken === stopsAfter) queueMicrotask(() => subscription.unsubscribe())
    },
    error: (error: unknown) => ends.push(error),
    complete: () => ends.push('complete'),
  })
}

async function pull(reply: Reply<unknown>, plan: PlannedRequest, clock: Clock, ends: unknown[]): Promise<void> {
  const { stopsAfter = Infinity, paceMs } = plan
  let taken = 0
  try {
    for await (const batch of reply.batches()) {
      taken += batch.length
      if (taken >= stopsAfter) return
      if (paceMs === 0) continue
      await new Promise<void>((resolve) => {
        clock.setTimeout(resolve, paceMs)
      })
    }
    ends.push('complete')
  } catch (error) {
    ends.push(error)
  }
}
