import { expect, test } from 'vitest'
import { runSimulation } from '../../../../src/cli/simulate/run-simulation.ts'
import { simulateSettings } from '../../../../src/cli/simulate/simulate-settings.ts'
import { pipeline } from '../../../../src/index.ts'

const definition = pipeline<unknown>('one').stage('work', (job) => job, { capacity: 4 })

test('progress is told in seconds of all simulations, each time more, and before any data', async () => {
  const told: (string | readonly [number, number])[] = []
  const scenario = {
    arrivals: { kind: 'constant', perSecond: 10 },
    ...{ service: { work: 5 }, durationMs: 9_500, warmupMs: 1_000 },
  } as const
  const code = await runSimulation(
    { definition, scenario, located: (error) => error },
    simulateSettings({ sweep: ['work.capacity=1,2,4'] }),
    {
      print: (line) => {
        told.push(line)
        return Promise.resolve()
      },
      say: (line) => told.push(line),
      progress: (done, total) => told.push([done, total]),
      simulated: () => told.push('simulated'),
    },
  )
  expect(code).toBe(0)
  const seconds = Array.from({ length: 32 }, (_, at) => [at + 1, 32] as const)
  expect(told.slice(0, 33)).toEqual([...seconds, 'simulated'])
  expect(told.slice(33)).toEqual([
    expect.stringMatching(/^work\.capacity/),
    ...Array<unknown>(3).fill(expect.any(String)),
  ])
})
