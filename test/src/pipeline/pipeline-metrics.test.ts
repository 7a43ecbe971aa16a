import { Registry } from 'prom-client'
import { from, lastValueFrom } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { pipeline, StageCrash } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { gatedHandler } from './gated-handler.ts'

const supervision = { backoff: () => 100 }

describe('the metrics', () => {
  /** A line's value; `undefined` when there is no such line. */
  function reading(text: string) {
    const values = new Map(
      text
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
    )
    return (name: string) => values.get(`orchestrator_${name}`)
  }

  it('say what happened, by the names of the contract', async () => {
    const clock = new VirtualClock()
    const registry = new Registry()
    const gate = gatedHandler<string>()
    const running = pipeline<string>('p')
      .stage('first', gate.handler, { capacity: 1 })
      .stage('stream', (text) => from(text), { capacity: 7 })
      .start({ clock, registry, supervision })
    const replies = ['a', 'b', 'c'].map((text) => running.submit(text))
    await clock.advance(30)
    gate.runs[0]!.resolve('abc')
    await clock.advance(20)
    gate.runs[1]!.reject(new Error('no'))
    await clock.settle()
    await lastValueFrom(replies[0]!.output$)
    running.submit('d').cancel()
    running.submit('e')
    const text = await registry.metrics()
    const value = reading(text)
    expect(value('requests_total{outcome="completed",origin="client"}')).toBe(1)
    expect(value('requests_total{outcome="shed",origin="client"}')).toBe(1)
    expect(value('requests_total{outcome="failed",origin="client"}')).toBe(1)
    expect(value('requests_total{outcome="cancelled",origin="client"}')).toBe(1)
    expect(value('requests_total{outcome="expired",origin="client"}')).toBe(0)
    expect(value('requests_in_flight')).toBe(1)
    expect(value('queue_depth{stage="first"}')).toBe(1)
    expect(value('queue_capacity{stage="stream"}')).toBe(7)
    expect(value('requests_shed_total{stage="first",reason="door"}')).toBe(1)
    expect(value('requests_processed_total{stage="first"}')).toBe(1)
    expect(value('requests_processed_total{stage="stream"}')).toBe(1)
    expect(value('errors_total{stage="first",code="stage_failed"}')).toBe(1)
    expect(value('stage_latency_seconds_count{stage="first"}')).toBe(2)
    expect(value('stage_latency_seconds_sum{stage="first"}')).toBeCloseTo(0.05)
    expect(value('stage_latency_seconds_bucket{stage="first",le="0.01"}')).toBe(0)
    expect(value('stage_latency_seconds_bucket{stage="first",le="0.025"}')).toBe(1)
    expect(value('stage_latency_seconds_bucket{stage="first",le="0.05"}')).toBe(2)
    expect(value('stage_latency_seconds_bucket{stage="first",le="+Inf"}')).toBe(2)
    expect(value('stage_wait_seconds_sum{stage="first"}')).toBeCloseTo(0.03)
    expect(value('stream_duration_seconds_count{stage="stream"}')).toBe(1)
    expect(value('stream_duration_seconds_sum{stage="stream"}')).toBeCloseTo(0.02)
    expect(value('stage_state{stage="first"}')).toBe(1)
    expect(value('stage_restarts_total{stage="first"}')).toBe(0)
    for (const bound of [0.001, 0.01, 0.1, 1, 5, 10]) {
      expect(value(`stage_latency_seconds_bucket{stage="stream",le="${bound}"}`)).toBe(1)
    }
    const types: Record<string, string> = {
      stage_latency_seconds: 'histogram',
      stage_wait_seconds: 'histogram',
      stream_duration_seconds: 'histogram',
      queue_depth: 'gauge',
      requests_waiting_for_room: 'gauge',
      dead_letters: 'gauge',
      dead_letters_total: 'counter',
      queue_capacity: 'gauge',
      requests_shed_total: 'counter',
      requests_processed_total: 'counter',
      errors_total: 'counter',
      inference_tokens_total: 'counter',
      time_to_first_token_seconds: 'histogram',
      requests_total: 'counter',
      requests_in_flight: 'gauge',
      stage_restarts_total: 'counter',
      stage_state: 'gauge',
    }
    for (const [name, type] of Object.entries(types)) expect(text).toContain(`# TYPE orchestrator_${name} ${type}\n`)
  })

  it('follow a stage that crashes, restarts and comes to its end', async () => {
    const clock = new VirtualClock()
    const registry = new Registry()
    const running = pipeline<string>('p')
      .stage(
        'one',
        () => {
          throw new StageCrash('broken')
        },
        { capacity: 1 },
      )
      .start({ clock, registry, supervision: { ...supervision, maxRestarts: 1 } })
    const figures = async () => {
      const value = reading(await registry.metrics())
      return [value('stage_state{stage="one"}'), value('stage_restarts_total{stage="one"}')]
    }
    running.submit('a')
    expect(await figures()).toEqual([2, 0])
    await clock.advance(100)
    expect(await figures()).toEqual([1, 1])
    running.submit('a')
    expect(await figures()).toEqual([5, 1])
    expect(reading(await registry.metrics())('errors_total{stage="one",code="stage_crash"}')).toBe(2)
  })

  it('have the prefix that is asked for', async () => {
    const registry = new Registry()
    pipeline<string>('p')
      .stage('one', (text) => text, { capacity: 1 })
      .start({ clock: new VirtualClock(), registry, metricsPrefix: 'chat_' })
    const text = await registry.metrics()
    expect(text).toContain('chat_queue_depth{stage="one"} 0')
    expect(text).not.toContain('orchestrator_')
  })
})
