import { type Observable, tap } from 'rxjs'
import { StageCrash } from '../../actors/index.ts'
import type { ItemEnd } from '../../operators/index.ts'
import type { Carried, Stage, StageContext } from './stage-context.ts'
import { supervisedStream } from './supervised-stream.ts'

/** What watching a stream needs of the pipeline that carries it. */
export interface StreamHost {
  now(): number
  fail(envelope: Carried, node: Stage, error: unknown): void
}

/**
 * Watches the stream that a stage gave. If it made it of a value, its slot lasts as long as the stream; if it
 * made it of a stream, an error that first shows here is this stage's.
 */
export function watchStream(
  stream$: Observable<unknown>,
  run: StageContext,
  now: number,
  host: StreamHost,
): Observable<unknown> {
  const { item: envelope, node } = run
  if (run.phase !== 'held') {
    const blame = (error: unknown): void => {
      // What an earlier stage is to blame for has ended the request by now.
      if (envelope.kind !== undefined) return
      host.fail(envelope, node, error)
      if (error instanceof StageCrash) node.runner.crash(error)
    }
    return stream$.pipe(tap({ error: blame }))
  }
  run.earlier = envelope.source
  envelope.source = run
  const firstChunkMs = envelope.timeoutAt - now
  const stream = supervisedStream(stream$, {
    onOpen: () => {
      if (firstChunkMs === Infinity || envelope.kind !== undefined) return
      envelope.firstChunkAt = host.now() + firstChunkMs
      envelope.arm()
    },
    onAwaited: () => {
      envelope.firstChunkAt = Infinity
    },
    onEnd: (failure) => {
      if (run.phase !== 'held') return
      if (failure !== undefined) {
        node.runner.fail(run, failure.thrown)
        return
      }
      streamEnded(run, host.now())
      node.runner.end(run, 'completed')
    },
  })
  run.closeStream = stream.close
  return stream.stream$
}

/** Counts the time that the stream of a run has taken, and its slot with it. */
export function streamEnded({ node, startedAt }: StageContext, now: number): void {
  node.slotFreed(now - startedAt)
  node.streamDuration.observe(now - startedAt)
}

/** Ends the streams that stages have made of a request, the last of them first: gives back their slots, calls them off. */
export function endStreams(last: StageContext, end: ItemEnd, detail: unknown, now: number): void {
  for (let made: StageContext | undefined = last; made !== undefined; made = made.earlier) {
    if (made.phase === 'held') {
      streamEnded(made, now)
      made.node.runner.end(made, end)
    }
    made.closeStream?.()
    if (end !== 'completed') made.abort(detail)
  }
}
