import { Registry } from 'prom-client'
import { NEVER, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { pipeline, StageCrash, StageStoppedError } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { gatedHandler } from './gated-handler.ts'

const supervision = { backoff: () => 100, maxRestarts: 3 }

/** A stage of one slot and a capacity of 1, whose life writes a log. */
function staged() {
  const clock = new VirtualClock()
  const registry = new Registry()
  const gate = gatedHandler<string>()
  const log: string[] = []
  let states = 0
  const life = {
    setup: () => `s${++states}`,
    teardown: (state: string, { reason }: { readonly reason: string }) => {
      log.push(`teardown ${state} ${reason}`)
    },
  }
  const running = pipeline<string>('p')
    .stage(
      'one',
      (text, context) => {
        if (text === 'crash') throw new StageCrash('broken')
        return text.startsWith('now') ? `${text} ${context.state}` : gate.handler(text, context)
      },
      { capacity: 1, ...life },
    )
    .start({ clock, supervision, registry })
  running.events$.subscribe({ next: ({ type }) => log.push(type), error: () => undefined })
  return { clock, registry, running, control: running.stage('one'), runs: gate.runs, log, life }
}

describe('a stage that is paused', () => {
  it('takes nothing, lets wait what there is room for, sheds the rest, and finishes what runs', async () => {
    const { clock, registry, running, control, runs, log } = staged()
    const first = running.submit('a')
    control.pause()
    control.pause()
    expect(running.stages.one).toMatchObject({ state: 'paused', running: 1 })
    expect(await registry.metrics()).toContain('orchestrator_stage_state{stage="one"} 7')
    const second = running.submit('now')
    expect(running.submit('late').settled).toMatchObject({ kind: 'shed', reason: 'stage-down' })
    runs[0]!.resolve('A')
    await clock.advance(1000)
    expect([first.settled?.kind, second.settled]).toEqual(['completed', undefined])
    expect(running.stages.one).toMatchObject({ running: 0, queueDepth: 1 })
    control.resume()
    control.resume()
    expect(second.settled).toMatchObject({ kind: 'completed', value: 'now s1' })
    expect(log).toEqual(['started', 'paused', 'resumed'])
  })

  it('is still paused after a restart, also where it was paused while it was down', async () => {
    const { clock, running, control, log } = staged()
    running.submit('crash')
    control.pause()
    const waiting = running.submit('now')
    await clock.advance(100)
    expect(running.stages.one.state).toBe('paused')
    expect(waiting.settled).toBeUndefined()
    control.resume()
    expect(waiting.settled).toMatchObject({ value: 'now s2' })
    expect(log).toEqual(['started', 'teardown s1 crash', 'crashed', 'restarted', 'paused', 'resumed'])
  })

  it('can be crashed by what still runs there', async () => {
    const { clock, running, control, runs } = staged()
    running.submit('a')
    control.pause()
    runs[0]!.reject(new StageCrash('broken'))
    await clock.settle()
    expect(running.stages.one.state).toBe('backing-off')
    await clock.advance(100)
    expect(running.stages.one).toMatchObject({ state: 'paused', restarts: 1 })
  })

  it('is resumed by a drain, and does not pause within one', async () => {
    const clock = new VirtualClock()
    const running = pipeline<string>('p')
      .stage('one', (text) => of(text), { capacity: 1 })
      .stage('two', (text$) => text$, { capacity: 1 })
      .start({ clock })
    running.stage('two').pause()
    const reply = running.submit('a')
    reply.output$.subscribe({ error: () => undefined })
    expect(running.stages.one.running).toBe(1)
    const drained = running.drain()
    expect(() => {
      running.stage('two').pause()
    }).toThrow('stage "two": pause has no effect any more: the stage is stopped, the pipeline is draining')
    await clock.settle()
    expect(reply.settled).toMatchObject({ kind: 'completed' })
    expect(await drained).toMatchObject({ completed: 1, durationMs: 0 })
    expect(clock.pending).toBe(0)
  })

  it('that still drains does not pause, and says why', async () => {
    const { clock, running, control, runs } = staged()
    running.submit('a')
    const drained = running.drain()
    expect(() => {
      control.pause()
    }).toThrow('stage "one": pause has no effect in a drain: the stage is draining, the pipeline is draining')
    runs[0]!.resolve('A')
    await clock.settle()
    expect(await drained).toMatchObject({ completed: 1 })
  })
})

describe('swap', () => {
  it('of a handler leaves the running to the old one, and keeps the state', async () => {
    const { clock, running, control, runs, log } = staged()
    const [first, second] = [running.submit('a'), running.submit('b')]
    await control.swap((text, { state }) => `${text} by another with ${state}`)
    runs[0]!.resolve('A')
    await clock.settle()
    expect(first.settled).toMatchObject({ value: 'A' })
    expect(second.settled).toMatchObject({ value: 'b by another with s1' })
    expect(log).toEqual(['started', 'swapped'])
  })

  it('with a life of its own acquires first, then switches, and tears down after the last run of the old one', async () => {
    const { clock, running, control, runs, log, life } = staged()
    const first = running.submit('a')
    const ready = Promise.withResolvers<number>()
    const swapped = control.swap({
      handler: (text, { state }) => `${text} ${state}`,
      setup: () => ready.promise,
      teardown: (state, { reason }) => {
        log.push(`teardown ${state} ${reason}`)
      },
    })
    const second = running.submit('b')
    await clock.settle()
    expect(log).toEqual(['started'])
    ready.resolve(7)
    await swapped
    expect(log).toEqual(['started', 'swapped'])
    runs[0]!.resolve('A')
    await clock.settle()
    expect([first.settled, second.settled]).toMatchObject([{ value: 'A' }, { value: 'b 7' }])
    expect(log).toEqual(['started', 'swapped', 'teardown s1 swap'])
    running.submit('c')
    await control.swap({ handler: (text) => text, ...life })
    expect(log.slice(3)).toEqual(['teardown 7 swap', 'swapped'])
    await running.drain()
    expect(log.slice(5)).toEqual(['teardown s2 drain', 'drained'])
    expect(clock.pending).toBe(0)
  })

  it('whose setup fails leaves the stage as it was', async () => {
    const { running, control, log } = staged()
    const swapped = control.swap({
      handler: () => 'never',
      setup: () => Promise.reject(new Error('no port')),
    })
    await expect(swapped).rejects.toMatchObject({ code: 'stage_setup', message: 'setup failed: no port' })
    expect(running.submit('now').settled).toMatchObject({ value: 'now s1' })
    expect(log).toEqual(['started'])
  })

  it.each([
    ['the stage crashes', 'crash'],
    ['it is given another', 'swap'],
    ['the pipeline is drained', 'drain'],
  ])('under way when %s is called off, and what still comes is torn down', async (_, reason) => {
    const { clock, running, control, log, life } = staged()
    const ready = Promise.withResolvers<string>()
    const swapped = control.swap({ ...life, handler: () => 'never', setup: () => ready.promise }).catch(String)
    if (reason === 'crash') running.submit('crash')
    else if (reason === 'swap') await control.swap((text) => text)
    else await running.drain()
    expect(await swapped).toBe(`StageSetupError: the swap was called off: ${reason}`)
    ready.resolve('late')
    await clock.settle()
    expect(log).toContain(`teardown late ${reason}`)
    expect(log).not.toContain('teardown late undefined')
  })

  it('while the stage is down has it start with the new one, and then is done', async () => {
    const { clock, running, control, life, log } = staged()
    running.submit('crash')
    const swapped = control.swap({ ...life, handler: (text, { state }) => `new ${text} ${state}` })
    const reply = running.submit('now')
    await clock.advance(100)
    await swapped
    expect(reply.settled).toMatchObject({ value: 'new now s2' })
    expect(log.slice(-2)).toEqual(['restarted', 'swapped'])
  })

  it('while the stage is down has it start as it was when its setup fails, which is no crash', async () => {
    const { clock, running, control, log } = staged()
    running.submit('crash')
    const swapped = control.swap({ handler: () => 'never', setup: () => Promise.reject(new Error('no port')) })
    const reply = running.submit('now')
    await Promise.all([expect(swapped).rejects.toThrow('setup failed: no port'), clock.advance(100)])
    expect(reply.settled).toMatchObject({ value: 'now s2' })
    expect(log.slice(-2)).toEqual(['crashed', 'restarted'])
  })

  it.each(['is stopped by force', 'is given up'])('while the stage is down is called off when it %s', async (how) => {
    const clock = new VirtualClock()
    const gate = gatedHandler<string>()
    const running = pipeline<string>('p')
      .stage(
        'one',
        (text) => {
          if (text === 'crash') throw new StageCrash('broken')
          return text
        },
        { capacity: 1 },
      )
      .stage('two', gate.handler, { capacity: 1 })
      .start({ clock, supervision: { ...supervision, maxRestarts: 1 } })
    running.submit('a')
    running.submit('crash')
    const swapped = running.stage('one').swap({ handler: (text) => text })
    const told = expect(swapped).rejects.toThrow('the swap was called off: stop')
    if (how === 'is given up') gate.runs[0]!.reject(new StageCrash('broken'))
    else await Promise.all([running.drain({ timeoutMs: 50 }), clock.advance(50)])
    await told
    expect(running.state).toBe(how === 'is given up' ? 'failed' : 'stopped')
  })

  it('while the stage is starting calls its setup off', async () => {
    const clock = new VirtualClock()
    const log: string[] = []
    const ready = Promise.withResolvers<string>()
    const running = pipeline<string>('p')
      .stage('one', (text) => text, {
        capacity: 1,
        setup: () => ready.promise,
        teardown: (state, { reason }) => {
          log.push(`${state} ${reason}`)
        },
      })
      .start({ clock })
    const reply = running.submit('a')
    await running.stage('one').swap({ handler: (text, { state }) => `${text} ${state}`, setup: () => 2 })
    expect(reply.settled).toMatchObject({ value: 'a 2' })
    ready.resolve('late')
    await clock.settle()
    expect(log).toEqual(['late swap'])
  })

  it('keeps a stream that runs, and its state, until it ends', async () => {
    const clock = new VirtualClock()
    const log: string[] = []
    const running = pipeline<string>('p')
      .stage('one', () => NEVER, {
        capacity: 1,
        concurrency: 2,
        teardown: (_, { reason }) => {
          log.push(reason)
        },
      })
      .start({ clock })
    const reply = running.submit('a')
    reply.output$.subscribe({ error: () => undefined })
    await running.stage('one').swap({ handler: () => NEVER })
    expect([reply.settled, log]).toEqual([undefined, []])
    reply.cancel()
    expect(log).toEqual(['swap'])
  })

  it('refuses what is no handler', async () => {
    const { control } = staged()
    const bad = (value: unknown) => control.swap(value as () => string)
    await expect(bad({})).rejects.toThrow('stage "one": handler must be a function')
    await expect(bad({ handler: () => 'x', onCrash: 'fail' })).rejects.toThrow('unknown option "onCrash"')
    await expect(bad(undefined)).rejects.toThrow('options must be an object')
  })
})

describe('a stage that has ended', () => {
  it.each([
    { how: 'by a drain', state: 'the stage is stopped, the pipeline is stopped' },
    { how: 'for good', state: 'the stage is failed, the pipeline is failed' },
  ])('$how refuses what cannot change it any more, and tells of nothing', async ({ how, state }) => {
    const { clock, running, control, log, life } = staged()
    if (how === 'by a drain') await running.drain()
    else
      for (let crash = 0; crash < 4; crash++) {
        running.submit('crash')
        await clock.advance(100)
      }
    const before = log.length
    const refusal = (what: string) => new StageStoppedError(`stage "one": ${what} has no effect any more: ${state}`)
    await expect(control.swap((text) => text)).rejects.toThrow(refusal('swap'))
    await expect(control.swap({ ...life, handler: (text) => text })).rejects.toThrow(refusal('swap'))
    for (const what of ['pause', 'resume'] as const)
      expect(() => {
        control[what]()
      }).toThrow(refusal(what))
    for (const what of ['setCapacity', 'setConcurrency'] as const)
      expect(() => {
        control[what](2)
      }).toThrow(refusal(what))
    expect(log.slice(before)).toEqual([])
  })
})
