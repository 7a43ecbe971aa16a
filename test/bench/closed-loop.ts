import type { Contender } from './contender.ts'
import { expectedText } from './workload.ts'

/** How one round went. */
export interface RoundFigures {
  readonly requestsPerSecond: number
  readonly p50Us: number
  readonly p99Us: number
}

/** How much one round asks for. */
export interface RoundSize {
  /** Callers, each of which has one request under way. */
  readonly outstanding: number
  readonly requests: number
}

/**
 * So many callers, each of which submits its next request as soon as it has heard how the last one ended, and
 * compares the answer with the expected text.
 *
 * @throws Error when an answer is not the expected one.
 */
export async function closedLoop<Result>(
  contender: Contender<Result>,
  { outstanding, requests }: RoundSize,
): Promise<RoundFigures> {
  const expected = Array.from({ length: requests }, (_, id) => flat(expectedText(id)))
  const latenciesUs = new Float64Array(requests)
  let next = 0
  const caller = async (): Promise<void> => {
    while (next < requests) {
      const id = next++
      const sentAt = performance.now()
      const result = await contender.submit(id)
      latenciesUs[id] = (performance.now() - sentAt) * 1000
      const text = contender.textOf(result)
      if (text !== expected[id]) throw new Error(`request ${id}: expected ${expected[id]}, got ${text}`)
    }
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: outstanding }, caller))
  const seconds = (performance.now() - startedAt) / 1000
  latenciesUs.sort()
  return {
    requestsPerSecond: requests / seconds,
    p50Us: latenciesUs[Math.floor(requests * 0.5)]!,
    p99Us: latenciesUs[Math.floor(requests * 0.99)]!,
  }
}

/** The string in one piece, so that comparing it costs no more than comparing its bytes. */
function flat(text: string): string {
  return Buffer.from(text).toString()
}
