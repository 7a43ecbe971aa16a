import * as fc from 'fast-check'
import { config, Observable, type OperatorFunction } from 'rxjs'
import { afterEach, describe, expect, test } from 'vitest'
import { boundedBuffer } from '../../../operators/index.ts'
import { pipeline } from '../../../src/index.ts'
import { checkInvariants, type Item, operator, type OperatorParts, VirtualClock } from '../../../src/testing/index.ts'
import { failureOf } from './failure-of.ts'

const limits = { capacity: 2, concurrency: 2 }
const buffer = ({ project, clock, onOutcome }: OperatorParts): OperatorFunction<Item, unknown> =>
  boundedBuffer(project, { ...limits, clock, onOutcome })

/** Throws where it gives a value of its third item, in an observer of its own. */
const throwing = operator(
  (parts) => (source$) =>
    new Observable((subscriber) =>
      source$.pipe(buffer(parts)).subscribe({
        next: (value) => {
          const { item } = value as { readonly item: Item }
          if (item.id === 2) throw new TypeError('no third item')
          subscriber.next(value)
        },
        error: (error: unknown) => {
          subscriber.error(error)
        },
        complete: () => {
          subscriber.complete()
        },
      }),
    ),
  limits,
)

afterEach(() => {
  config.onUnhandledError = null
})

describe('an error that an operator throws where only RxJS hears of it', () => {
  test('fails its own scenario, each time the same way', async () => {
    const failure = await failureOf(throwing, { seed: 1 })
    expect(failure.invariant).toBe('The subject itself')
    expect(failure.message).toMatch(/^the subject itself fails: it throws where nothing [^]*TypeError: no third item\n/)
    expect(failure.cause).toEqual(new TypeError('no third item'))
    expect(failure.timeline.match(/^>/gm)).toHaveLength(1)
    const { seed, path } = failure
    expect((await failureOf(throwing, { seed, path })).timeline).toBe(failure.timeline)
  })

  test('is not taken for one of another play, nor for one of nobody', async () => {
    const heard: unknown[] = []
    const listen = (error: unknown): void => {
      heard.push(error)
    }
    config.onUnhandledError = listen
    new Observable((subscriber) => {
      subscriber.error('of nobody')
    }).subscribe()
    await Promise.all([
      failureOf(throwing),
      checkInvariants(
        operator((parts) => buffer(parts), limits),
        { runs: 20 },
      ),
    ])
    expect(heard).toEqual(['of nobody'])
    expect(config.onUnhandledError).toBe(listen)
  })
})

test('a check that gives a promise is refused, as nobody waits for it', async () => {
  const check = (): unknown => Promise.reject(new Error('too late'))
  const { invariant, message } = await failureOf(operator(buffer, limits), { check })
  expect(invariant).toBe('Your own')
  expect(message).toContain('check must be synchronous, got a promise')
})

describe('what fails only now and then', () => {
  test('is shown as it was, with the seed and the path of its scenario', async () => {
    let [calls, failed] = [0, false]
    const check = (): void => {
      if (failed || ++calls < 200) return
      failed = true
      throw new Error('the 200th call')
    }
    const { message, cause, timeline } = await failureOf(operator(buffer, limits), { check, seed: 5 })
    expect(message).toMatch(/^your own check does not hold: the 200th call\n\nrun \d+ of 100, shrunk 0 times; /)
    expect(message).toMatch(/; played again it did not fail[^]*\{ seed: 5, path: '\d+' \}/)
    expect(cause).toEqual(new Error('the 200th call'))
    expect(timeline).toMatch(/^>/m)
  })

  test.each([
    ['first', 1],
    ['later', 20],
  ])('a factory that throws at its %s call is shown with seed and path', async (_, last) => {
    let calls = 0
    const create = (parts: OperatorParts): OperatorFunction<Item, unknown> => {
      if (++calls >= last) throw new Error('no connection')
      return buffer(parts)
    }
    const { invariant, message, cause } = await failureOf(operator(create, limits), { seed: 5 })
    expect(invariant).toBe('The subject itself')
    expect(message).toMatch(/^the subject itself fails: no connection\n[^]*\{ seed: 5, path: '[\d:]+' \}/)
    expect(cause).toEqual(new Error('no connection'))
  })
})

test('an error of onRun is its own, and ends the search', async () => {
  let runs = 0
  const onRun = (): void => {
    runs += 1
    throw new RangeError('the disk is full')
  }
  await expect(checkInvariants(operator(buffer, limits), { onRun })).rejects.toThrow(new RangeError('the disk is full'))
  expect(runs).toBe(1)
})

describe('what makes no sense is named, with what was expected', () => {
  const echo = pipeline<number>('echo').stage('one', (value) => value, { capacity: 2 })
  const request = (index: number): number => index
  const refused: readonly (readonly [string, () => unknown, string])[] = [
    ['start', () => checkInvariants(echo, { request, start: null as never }), 'start: options must be an object'],
    ['an option of start', () => checkInvariants(echo, { request, start: { scale: -1 } }), 'scale must be a number'],
    [
      'a clock of its own',
      () => checkInvariants(echo, { request, start: { clock: new VirtualClock() } as never }),
      'start.clock must be left out',
    ],
    ['a path', () => checkInvariants(echo, { request, seed: 1, path: 'hello' }), 'such as "12:0:3", got "hello"'],
    ['no limits', () => operator(buffer, undefined as never), 'operator: options must be an object, got undefined'],
  ]
  test.each(refused)('%s', async (_, check, says) => {
    await expect(async () => check()).rejects.toThrow(says)
  })

  test('a factory that gives nothing', async () => {
    const nothing = await failureOf(operator((() => undefined) as never, limits))
    expect(nothing.message).toContain(
      'the subject itself fails: what operator(…) makes must be a function, got undefined',
    )
    let calls = 0
    const once = (): typeof echo => (calls++ === 0 ? echo : (undefined as never))
    const { invariant, message } = await failureOf(once, { request })
    expect(invariant).toBe('The subject itself')
    expect(message).toContain('the subject must be a pipeline')
  })

  test('a request that throws', async () => {
    const failing = (): number => {
      throw new Error('no such request')
    }
    const { invariant, message } = await failureOf(echo, { request: failing })
    expect(invariant).toBe('The subject itself')
    expect(message).toContain('the subject itself fails: no such request\n')
  })

  test('an arbitrary that throws as it makes a request, with what plays the same again', async () => {
    const request = fc.integer({ min: 0, max: 99 }).map((number) => {
      if (number > 90) throw new Error('no such number')
      return number
    })
    const failure = await failureOf(echo, { request })
    const { invariant, message, seed, path } = failure
    expect(invariant).toBe('The subject itself')
    expect(message).toContain('the subject itself fails: no scenario could be made: no such number\n')
    expect(message).toContain(`{ seed: ${seed}, path: '${path}' }`)
    expect(failure.cause).toEqual(new Error('no such number'))
    const again = await failureOf(echo, { request, seed, path })
    expect([again.seed, again.path]).toEqual([seed, path])
  })
})
