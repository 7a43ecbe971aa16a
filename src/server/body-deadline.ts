import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock, TimerHandle } from '../../operators/index.ts'

/** Looks after the bodies that are still being sent. */
export interface BodyDeadline {
  /** A request's headers are there; its body may be still to come. */
  begin(request: FastifyRequest, reply: FastifyReply): void
  /** The body is there, or no longer of interest. */
  end(request: FastifyRequest): void
  stop(): void
}

/**
 * Makes what ends requests whose body takes too long, however steadily it trickles.
 *
 * All wait equally long, so that the oldest is always the first to be late: one timer serves all of them.
 *
 * @param onLate Told once of each that was not there in time.
 */
export function createBodyDeadline(
  { timeoutMs, clock }: { readonly timeoutMs: number; readonly clock: Clock },
  onLate: (request: FastifyRequest, reply: FastifyReply) => void,
): BodyDeadline {
  const awaited = new Map<FastifyRequest, { readonly reply: FastifyReply; readonly dueAt: number }>()
  let timer: TimerHandle
  let armed = false
  const arm = (ms: number): void => {
    armed = true
    timer = clock.setTimeout(look, ms)
  }
  function look(): void {
    armed = false
    for (const [request, { reply, dueAt }] of awaited) {
      const leftMs = dueAt - clock.now()
      if (leftMs > 0) {
        arm(leftMs)
        return
      }
      awaited.delete(request)
      onLate(request, reply)
    }
  }

  return {
    begin(request, reply) {
      const { headers } = request.raw
      if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) return
      awaited.set(request, { reply, dueAt: clock.now() + timeoutMs })
      if (!armed) arm(timeoutMs)
    },
    end: (request) => awaited.delete(request),
    stop() {
      clock.clearTimeout(timer)
    },
  }
}
