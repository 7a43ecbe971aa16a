import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WaitLine } from '../../operators/wait-line.ts'

type Step =
  | { readonly do: 'join'; readonly hasSignal: boolean }
  | { readonly do: 'leave'; readonly pick: number }
  | { readonly do: 'serve' | 'dismiss' }

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('join' as const), hasSignal: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), pick: fc.nat({ max: 20 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('serve' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('dismiss' as const) }) },
)

describe('first come, first served', () => {
  test('whoever joins, leaves, is served or sent away is told once, and what it should be told', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 40, size: 'max' }), async (steps) => {
        const line = new WaitLine<number, string>()
        const told: string[] = []
        const expected: string[] = []
        const left: number[] = []
        const withSignal = new Set<number>()
        const controllers: AbortController[] = []
        let waiting: number[] = []
        for (const [given, step] of steps.entries()) {
          if (step.do === 'join') {
            const id = controllers.push(new AbortController()) - 1
            // Who has no signal cannot leave.
            const signal = step.hasSignal ? controllers[id]!.signal : undefined
            waiting.push(id)
            if (signal !== undefined) withSignal.add(id)
            line
              .join(id, signal, () => left.push(id))
              .then(
                (value) => told.push(`${id} got ${value}`),
                (reason: unknown) => told.push(`${id}: ${reason instanceof Error ? reason.message : String(reason)}`),
              )
          } else if (step.do === 'leave' && controllers.length > 0) {
            const id = step.pick % controllers.length
            controllers[id]!.abort('left')
            if (withSignal.has(id) && waiting.includes(id)) {
              waiting = waiting.filter((other) => other !== id)
              expected.push(`${id}: left`)
            }
          } else if (step.do === 'serve') {
            const first = waiting.shift()
            expect(line.first).toBe(first)
            line.serve(String(given))
            if (first !== undefined) expected.push(`${first} got ${given}`)
          } else if (step.do === 'dismiss') {
            line.dismiss(new Error('sent away'))
            expected.push(...waiting.map((id) => `${id}: sent away`))
            waiting = []
          }
          expect(line.length).toBe(waiting.length)
        }
        await turn()
        expect(told).toEqual(expected)
        expect(left.map((id) => `${id}: left`)).toEqual(expected.filter((line) => line.endsWith('left')))
      }),
    )
  })

  test('an abort is answered at once, before the promise settles', async () => {
    const line = new WaitLine<number, void>()
    const controller = new AbortController()
    const reason = new Error('enough')
    const joined = line.join(1, controller.signal)
    controller.abort(reason)
    expect(line.length).toBe(0)
    await expect(joined).rejects.toBe(reason)
  })
})
