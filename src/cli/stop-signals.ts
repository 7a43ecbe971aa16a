import type { EventEmitter } from 'node:events'
import { type Clock, systemClock } from '../../operators/index.ts'

/** The signals that ask a server to stop, and what a shell adds to 128 when one of them ends a process. */
const signals = { SIGINT: 2, SIGTERM: 15 } as const

/** A signal that asks to stop. */
export type StopSignal = keyof typeof signals

/** What tells of signals and can be ended: a process. */
export interface SignalSource extends Pick<EventEmitter, 'on'> {
  exit(code: number): void
}

/** Control-C in `npm start` comes twice at the same time: from the terminal and from npm, which passes it on. */
const echoMs = 1_000

/**
 * Waits for the first SIGINT or SIGTERM; from then on another ends the process at once. The same signal again
 * within 1,000 ms counts as the first.
 *
 * @param onCut Called before such an end.
 * @returns Which it was.
 */
export function stopSignal(
  source: SignalSource = process,
  clock: Clock = systemClock,
  onCut?: (signal: StopSignal) => void,
): Promise<StopSignal> {
  return new Promise((resolve) => {
    let first: { readonly name: StopSignal; readonly at: number } | undefined
    for (const name of Object.keys(signals) as StopSignal[]) {
      source.on(name, () => {
        if (first === undefined) {
          first = { name, at: clock.now() }
          resolve(name)
        } else if (name !== first.name || clock.now() - first.at >= echoMs) {
          onCut?.(name)
          source.exit(128 + signals[name])
        }
      })
    }
  })
}
