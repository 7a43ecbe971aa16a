import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { MetricsReader } from '../../../../src/cli/simulate/metrics-reader.ts'
import { readSimulation, type SimulationFile } from '../../../../src/cli/simulate/simulation-file.ts'
import { systemClock } from '../../../../operators/index.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

async function read(text: string, name = 'file.yaml', apiKey?: string): Promise<SimulationFile> {
  await writeFile(join(folder, name), text)
  return readSimulation(join(folder, name), new MetricsReader(systemClock, apiKey))
}

/** What is wrong with a file, without its folder. */
async function faultsOf(text: string, name?: string): Promise<readonly string[]> {
  const error = await read(text, name).then(
    () => undefined,
    (reason: unknown) => reason as Error,
  )
  return error?.message.replaceAll(`${folder}/`, '').split('\nerror: ') ?? []
}

const one = {
  stages: [{ name: 'work', capacity: 4 }],
  simulation: { arrivals: { kind: 'poisson', perSecond: 3 }, durationMs: 1_000, service: { work: 5 } },
}

const written = `
name: mine
stages:
  - name: rag
    use: retrieve
    with: { topK: 4 }
    capacity: 512
    concurrency: 32
    deadLetter: [failed]
  - name: inference
    capacity: 64
    overflow: drop-oldest
    ttlMs: 3000
    timeoutMs: 60000
    overload: { kind: codel, targetMs: 500 }
    wait: { ms: 20, max: 3, for: high, backoff: { initialMs: 1, maxMs: 5 } }
workers: { main: { use: openai } }
server: { port: 8080 }
simulation:
  arrivals: { kind: bursty, perSecond: 500, burst: 4 }
  durationMs: 3600000
  warmupMs: 60000
  seed: 7
  deadlineMs: { kind: exponential, meanMs: 10000 }
  service:
    rag: 1
    inference: { firstChunk: 3, rest: { kind: pareto, minMs: 3, shape: 2 } }
  admission: stage
  scale: 2
`

test('a file is read with the keys of the configuration file, and what does not matter here is ignored', async () => {
  const { definition, scenario } = await read(written)
  expect(definition.topology).toMatchObject({
    name: 'mine',
    stages: [
      { name: 'rag', capacity: 512, concurrency: 32, overflow: 'drop-newest' },
      {
        ...{ name: 'inference', capacity: 64, concurrency: 1, overflow: 'drop-oldest', ttlMs: 3_000 },
        ...{ timeoutMs: 60_000, overload: { kind: 'codel', targetMs: 500 }, wait: { ms: 20, max: 3, for: 'high' } },
      },
    ],
  })
  expect(definition.topology.stages[0]).not.toHaveProperty('deadLetter')
  expect(scenario).toEqual({
    arrivals: { kind: 'bursty', perSecond: 500, burst: 4 },
    ...{ durationMs: 3_600_000, warmupMs: 60_000, seed: 7, deadlineMs: { kind: 'exponential', meanMs: 10_000 } },
    service: { rag: 1, inference: { firstChunk: 3, rest: { kind: 'pareto', minMs: 3, shape: 2 } } },
    start: { admission: 'stage', scale: 2 },
  })
})

test('the same in JSON, with tabs', async () => {
  const { definition } = await read(JSON.stringify(one, undefined, '\t'), 'file.json')
  expect(definition.topology.stages).toMatchObject([{ name: 'work', capacity: 4 }])
})

test('without stages it is the preset', async () => {
  const { definition } = await read(stringify({ simulation: { ...one.simulation, service: {} } }))
  expect(definition.topology.stages.map(({ name }) => name)).toEqual(['rag', 'assemble', 'inference', 'post', 'stream'])
})

test('all that is wrong is told at once, each with its place', async () => {
  const text = `stages:
  - name: rag
    capacty: 512
  - name: inference
    capacity: "many"
    overflow: drop
    overload: { kind: codel, target: 3 }
    wait: 5
simulaton: 3
simulation:
  arrivals: { kind: poison, perSecond: 20 }
  service:
    rag: quick
    inference: { kind: exponential }
`
  expect(await faultsOf(text)).toEqual([
    'file.yaml:3:5 stages[0].capacty: unknown option; did you mean "capacity"?',
    'file.yaml:5:15 stages[1].capacity: must be a number, got "many"',
    'file.yaml:6:15 stages[1].overflow: must be one of "drop-newest", "drop-oldest", "fail", got "drop"',
    'file.yaml:7:30 stages[1].overload.target: unknown option; did you mean "targetMs"?',
    'file.yaml:8:11 stages[1].wait: must be an object, got 5',
    'file.yaml:9:1 simulaton: unknown option; known are name, stages, simulation, workers, stores, supervision, server',
    'file.yaml:11:3 simulation.durationMs: is missing; it must be a number',
    'file.yaml:11:21 simulation.arrivals.kind: must be one of "poisson", "constant", "bursty", "on-off", "trace", got "poison"',
    'file.yaml:13:10 simulation.service.rag: must be a number of milliseconds or a distribution, got "quick"',
    'file.yaml:14:16 simulation.service.inference.meanMs: is missing; it must be a number',
  ])
})

test('what the stages themselves refuse is told with its place, too, and so are files and stages that are not there', async () => {
  const text = `stages:
  - { name: rag, capacity: -1 }
  - { name: 'a": b', capacity: 4, concurrency: 0.5 }
  - { name: rag, capacity: 4, overload: { kind: codel, targetMs: -3 } }
simulation:
  arrivals: { kind: trace, file: none.csv }
  durationMs: 1
  service:
    rga: 5
    rag: { kind: metrics, file: none.txt }
    'a": b': { kind: metrics }
`
  expect((await faultsOf(text)).map((fault) => fault.replace(/from \S+ to \S+,/, 'in its range,'))).toEqual([
    'file.yaml:2:28 stages[0].capacity: must be a whole number in its range, got -1',
    `file.yaml:3:48 stages[1].concurrency: must be a whole number in its range, got 0.5`,
    'file.yaml:4:13 stages[2].name: must not be that of another stage, got "rag"',
    'file.yaml:4:66 stages[2].overload.targetMs: must be a number above 0, and finite, got -3',
    'file.yaml:6:13 simulation.arrivals: none.csv: does not exist',
    'file.yaml:9:5 simulation.service.rga: the pipeline has no such stage; did you mean "rag"?',
    'file.yaml:10:10 simulation.service.rag: none.txt: does not exist',
    `file.yaml:11:14 simulation.service.a": b: must have either url or file, got neither`,
  ])
})

test.each([
  ['', ['file.yaml:1:1 must be an object, got null']],
  ['a: 1\na: 2', ['file.yaml:2:1 Map keys must be unique']],
  ['a: [1', [expect.stringMatching(/^file.yaml:1:6 /)]],
  ['a: !what 1', [expect.stringContaining('file.yaml:1:4 Unresolved tag')]],
  ['a: *b', [expect.stringContaining('Unresolved alias')]],
  [stringify({ ...one, stages: [] }), [expect.stringContaining('stages: must not be empty')]],
])('%j is refused', async (text, faults) => {
  expect(await faultsOf(text)).toEqual(expect.arrayContaining(faults as string[]))
})

test('what a simulation refuses is told with the place that it names', async () => {
  const { located } = await read(stringify(one))
  const told = (error: unknown): string => (located(error) as Error).message.replace(`${folder}/`, '')
  expect(told(new RangeError('service.work must be more, got 5'))).toBe(
    'file.yaml:10:11 simulation.service.work: must be more, got 5',
  )
  expect(told(new RangeError('arrivals.perSecond must be less'))).toContain('file.yaml:7:16 simulation.arrivals.perSec')
  // What is not there is missed where it should be.
  expect(told(new TypeError('service.other.rest must be a number'))).toContain(
    'file.yaml:10:5 simulation.service.other.rest: must be a number',
  )
  const ours = new TypeError('Cannot read properties of undefined')
  expect(located(ours)).toBe(ours)
})

test('arrivals may be in a file of their own', async () => {
  await writeFile(join(folder, 'arrivals.csv'), '# ms\n1\n2.5\n\n2.5\n')
  const traced = { ...one, simulation: { ...one.simulation, arrivals: { kind: 'trace', file: 'arrivals.csv' } } }
  expect((await read(stringify(traced))).scenario.arrivals).toEqual({ kind: 'trace', atMs: [1, 2.5, 2.5] })
  await writeFile(join(folder, 'arrivals.csv'), '3\n2\n')
  expect((await faultsOf(stringify(traced)))[0]).toContain(
    'arrivals.csv:2 must be a number of milliseconds, 3 or more, got "2"',
  )
})

const metricsText = (stage: string, metric: string): string =>
  `orchestrator_${metric}_bucket{stage="${stage}",le="0.1"} 1
orchestrator_${metric}_bucket{stage="${stage}",le="+Inf"} 2
orchestrator_${metric}_sum{stage="${stage}"} 0.4
orchestrator_${metric}_count{stage="${stage}"} 2
`

test('service times are read from the metrics of a server that is asked once, and shown the key', async () => {
  const asked: unknown[] = []
  const server = createServer(({ headers }, response) => {
    asked.push(headers.authorization)
    response.end(
      metricsText('work', 'stage_latency_seconds') +
        metricsText('infer', 'stage_latency_seconds') +
        metricsText('infer', 'stream_duration_seconds').replace('0.4', '4'),
    )
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`
  const from = { kind: 'metrics', url }
  const measured = { stages: [...one.stages, { name: 'infer', capacity: 1 }] }
  const simulation = { ...one.simulation, service: { work: from, infer: from } }
  const { scenario } = await read(stringify({ ...measured, simulation }), 'file.yaml', 'secret')
  server.close()
  expect(scenario.service).toEqual({
    work: { kind: 'empirical', boundsMs: [100], counts: [1, 1], meanMs: 200 },
    // Its slot is taken until its stream ends.
    infer: { kind: 'empirical', boundsMs: [100], counts: [1, 1], meanMs: 2_000 },
  })
  expect(asked).toEqual(['Bearer secret'])
})

test('metrics that cannot be read say why', async () => {
  const server = createServer((_, response) => response.writeHead(401).end()).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`
  const from = (source: object): string =>
    stringify({ ...one, simulation: { ...one.simulation, service: { work: { kind: 'metrics', ...source } } } })
  expect(await faultsOf(from({ url }))).toEqual([
    `file.yaml:11:7 simulation.service.work: ${url} cannot be read: it answered with status 401; SPILLWAY_API_KEY must be its key`,
  ])
  server.close()
  await new Promise((resolve) => server.once('close', resolve))
  expect((await faultsOf(from({ url })))[0]).toContain(`${url} cannot be read: connect ECONNREFUSED`)
  expect((await faultsOf(from({ url: 'ftp://a' })))[0]).toContain('must have an http or https address as its url')
  await writeFile(join(folder, 'metrics.txt'), metricsText('other', 'stage_latency_seconds'))
  expect((await faultsOf(from({ file: 'metrics.txt' })))[0]).toContain(
    'metrics.txt has counted nothing of stage "work" in orchestrator_stream_duration_seconds or orchestrator_stage_latency_seconds',
  )
  await writeFile(join(folder, 'metrics.txt'), 'orchestrator_stage_latency_seconds{')
  expect((await faultsOf(from({ file: 'metrics.txt' })))[0]).toContain('metrics.txt: line 1 must be a sample')
})
