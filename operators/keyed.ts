import { Observable, type OperatorFunction } from 'rxjs'
import { OverflowError } from './errors.ts'
import { checkFlatteningOptions, Flattening, type FlatteningOptions } from './flattening.ts'
import { KeyedChannel, type KeyedChannelOptions } from './keyed-channel.ts'
import { LaneItem } from './lane.ts'
import { checkKeys } from './options.ts'
import type { Project } from './project.ts'

/** How items are told apart, how much of each key and in all may wait and run, and what happens beyond. */
export interface KeyedOptions<T> extends FlatteningOptions<T>, Omit<KeyedChannelOptions<T>, 'clock'> {}

const known = [
  'key',
  'perKeyCapacity',
  'perKeyConcurrency',
  'capacity',
  'concurrency',
  'overflow',
  'ttlMs',
  'onSourceError',
  'clock',
  'onOutcome',
] as const

/**
 * Flattens like `groupBy` with a `concatMap` in each group: keys run beside each other, items of one key one
 * after another in order of arrival. Unlike there, what waits is bounded, nothing is kept of a key that has
 * nothing waiting or running, and every item has exactly one outcome, as in `boundedBuffer`.
 *
 * When slots are scarce, keys take turns: after each of its items a key queues behind those that wait for a
 * slot, so one that brings a thousand items delays another by one.
 *
 * A failing project, and a `key` that throws, fails its item, never the output. When the source completes, what
 * waits is still run; then the output completes. Unsubscribing aborts what runs, discards what waits, and reports
 * both.
 *
 * @example
 * ```ts
 * import { of, timer, map } from 'rxjs'
 * import { keyed } from 'spillway/operators'
 *
 * const turns$ = of('ann 1', 'ann 2', 'bob 1')
 * const answer = (turn: string) => timer(100).pipe(map(() => turn))
 * turns$.pipe(keyed(answer, { key: (turn) => turn.slice(0, 3), perKeyCapacity: 8 })).subscribe(console.log)
 * // ann 1, bob 1, ann 2
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 * @see boundedBuffer for one line in place of one for each key
 */
export function keyed<T, R>(project: Project<T, R>, options: KeyedOptions<T>): OperatorFunction<T, R> {
  checkKeys('keyed', options, known)
  checkFlatteningOptions(project, options)
  // A channel is made for each subscription; this one only checks the options now rather than then.
  new KeyedChannel(options, () => undefined)
  return (source) =>
    new Observable<R>((subscriber) => {
      const channel = new KeyedChannel(options, (item, reason) => {
        flattening.lost(item, reason)
      })
      const flattening = new Flattening<T, R, LaneItem<T>>({
        project,
        options,
        subscriber,
        channel,
        createItem: (value, arrivedAt) => new LaneItem(value, arrivedAt),
        overflown: () => overflown(channel, options),
      })
      flattening.start(source)
    })
}

function overflown<T>(channel: KeyedChannel<T>, options: KeyedOptions<T>): OverflowError {
  const option = channel.overflown as NonNullable<typeof channel.overflown>
  const where = option === 'capacity' ? '' : ' of one key'
  const message = `keyed: more${where} arrived than its ${option} of ${options[option]} lets wait`
  return new OverflowError(`${message}, and overflow is "fail"`)
}
