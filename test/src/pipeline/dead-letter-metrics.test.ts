import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { pipeline, type Running } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { LetterShelf, letterOf } from '../../fixtures/letter-shelf.ts'

function failing(store: LetterShelf, clock: VirtualClock, registry: Registry): Running<string, string> {
  return pipeline<string>('chat')
    .stage('one', () => Promise.reject<string>(new Error('no')), { capacity: 9, deadLetter: ['failed'] })
    .start({ clock, registry, deadLetters: store })
}

const lettersIn = async (registry: Registry): Promise<readonly string[]> =>
  (await registry.metrics()).split('\n').filter((line) => line.startsWith('orchestrator_dead_letters'))

describe('the metrics of dead letters', () => {
  it('tell what the pipeline has put beside what the store has, each once', async () => {
    const [store, clock, registry] = [new LetterShelf(), new VirtualClock(), new Registry()]
    store.add(letterOf('a'), { state: 'dead' }).add(letterOf('b'))
    const running = failing(store, clock, registry)
    running.submit('x')
    await clock.advance(0)
    const lines = await lettersIn(registry)
    expect(lines).toEqual([
      'orchestrator_dead_letters_total{transition="stored"} 1',
      ...['duplicate', 'conflict', 'full', 'dropped'].map(zero),
      ...['acked', 'died', 'replayed', 'evicted', 'expired', 'purged', 'orphaned'].map(zero),
      'orchestrator_dead_letters{state="pending"} 0',
      'orchestrator_dead_letters{state="due"} 2',
      'orchestrator_dead_letters{state="leased"} 0',
      'orchestrator_dead_letters{state="dead"} 1',
    ])
    await running.drain()
  })

  it('leave out what a store that is away would say, and do not wait for it', async () => {
    const [store, clock, registry] = [new LetterShelf(), new VirtualClock(), new Registry()]
    const running = failing(store, clock, registry)
    store.away = new Error('gone')
    const own = ['stored', 'duplicate', 'conflict', 'full', 'dropped'].map(zero)
    expect(await lettersIn(registry)).toEqual([...own, 'orchestrator_dead_letters{state="pending"} 0'])
    store.counts = () => new Promise(() => undefined)
    const scraped = lettersIn(registry)
    await clock.advance(1_000)
    expect(await scraped).toHaveLength(6)
    await running.drain()
  })
})

function zero(transition: string): string {
  return `orchestrator_dead_letters_total{transition="${transition}"} 0`
}
