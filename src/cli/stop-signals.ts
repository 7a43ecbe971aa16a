/** The signals that ask a server to stop, and what a shell adds to 128 when one of them ends a process. */
const signals = { SIGINT: 2, SIGTERM: 15 } as const

/** A signal that asks to stop. */
export type StopSignal = keyof typeof signals

/**
 * Waits for the first SIGINT or SIGTERM; from then on a second one ends the process at once.
 *
 * @returns Which it was.
 */
export function stopSignal(): Promise<StopSignal> {
  return new Promise((resolve) => {
    let asked = false
    for (const name of Object.keys(signals) as StopSignal[]) {
      process.on(name, () => {
        if (asked) process.exit(128 + signals[name])
        asked = true
        resolve(name)
      })
    }
  })
}
