import type { Desk } from '../../../../src/cli/dead-letters/desk.ts'
import type { DeadLetterStore } from '../../../../src/stores/index.ts'
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts'

/** A desk whose output is kept. */
export function deskOf(
  store: DeadLetterStore,
  options: Partial<Pick<Desk, 'json' | 'columns' | 'signal' | 'print'>> = {},
): Desk & { readonly data: readonly string[]; readonly said: readonly string[]; readonly steps: readonly object[] } {
  const [data, said, steps]: [string[], string[], object[]] = [[], [], []]
  return {
    store,
    clock: new VirtualClock({ startAt: 3_601_000 }),
    signal: new AbortController().signal,
    json: false,
    columns: undefined,
    progress: { show: (step) => steps.push(step), end: () => undefined },
    print: async (line) => void data.push(line),
    say: (line) => said.push(line),
    ...options,
    data,
    said,
    steps,
  }
}
