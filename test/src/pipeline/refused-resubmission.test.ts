import { config } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { pipeline } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

const times = 20_000
const unhandled: unknown[] = []

beforeEach(() => {
  unhandled.length = 0
  config.onUnhandledError = (error) => {
    unhandled.push(error)
  }
})

afterEach(() => {
  config.onUnhandledError = null
})

/** A pipeline whose only place is taken. */
function taken(admission: 'door' | 'stage') {
  const clock = new VirtualClock()
  const running = pipeline<string>('p')
    .stage('one', () => new Promise<string>(() => undefined), { capacity: 0 })
    .start({ clock, admission })
  running.submit('the slot')
  return { clock, running }
}

describe.each(['door', 'stage'] as const)(
  "a caller that submits again whatever is shed, admission '%s'",
  (admission) => {
    it('may do so from outcomes$ without end to the stack, and nothing is lost', async () => {
      const { clock, running } = taken(admission)
      const ids = new Set<string>()
      const unsettled: unknown[] = []
      running.outcomes$.subscribe({
        next: (outcome) => {
          ids.add(outcome.submissionId)
          if (outcome.kind !== 'shed' || ids.size >= times) return
          const reply = running.submit('again')
          if (reply.settled?.kind !== 'shed') unsettled.push(reply.submissionId)
        },
        error: (error: unknown) => unhandled.push(error),
      })
      running.submit('first')
      await clock.settle()
      expect(unhandled).toEqual([])
      expect(ids.size).toBe(times)
      expect(unsettled).toEqual([])
      expect(running.ledger()).toMatchObject({ submitted: times + 1, shed: times, inFlight: 1 })
      expect(running.stages.one.shed).toBe(times)
    })

    it('may do so from the error of output$, and nothing is lost', async () => {
      const { clock, running } = taken(admission)
      let errors = 0
      const again = (): void => {
        running.submit('again').output$.subscribe({
          error: () => {
            errors += 1
            if (errors < times) again()
          },
        })
      }
      again()
      await clock.settle()
      expect(unhandled).toEqual([])
      expect(errors).toBe(times)
      expect(running.ledger()).toMatchObject({ submitted: times + 1, shed: times, inFlight: 1 })
    })
  },
)
