import { show } from '../../../operators/index.ts'
import type { SweepSetting } from '../../simulation/sweep.ts'
import { nearestName } from './nearest-name.ts'

/** No range has more values than a sweep may have rows. */
const mostValues = 1_000

const setting = /^(.+)\.(capacity|concurrency)=(.+)$/
const range = /^(\d+)\.\.(\d+)(?::(\d+))?$/

/**
 * Reads what `--sweep` was given: `inference.concurrency=4,8,16`, `inference.capacity=64..4096`, which doubles, or
 * `64..4096:64`, which adds 64.
 *
 * @param names The stages that there are.
 * @throws RangeError that names what is wrong and what was expected.
 */
export function sweepSetting(text: string, names: readonly string[]): SweepSetting {
  const [, stage, limit, values] = (setting.exec(text) ?? []) as unknown as readonly [
    string,
    string | undefined,
    SweepSetting['limit'],
    string,
  ]
  if (stage === undefined) {
    throw new RangeError(
      '--sweep must name a stage, capacity or concurrency, and values, such as inference.capacity=64..4096 or ' +
        `inference.concurrency=4,8,16, got ${show(text)}`,
    )
  }
  if (!names.includes(stage)) {
    const nearest = nearestName(stage, names)
    const hint = nearest === undefined ? `its stages are ${names.join(', ')}` : `did you mean "${nearest}"?`
    throw new RangeError(`--sweep ${text}: the pipeline has no stage ${show(stage)}; ${hint}`)
  }
  const all = new Set(values.split(',').flatMap((part) => valuesOf(text, part)))
  if (limit === 'concurrency' && all.has(0))
    throw new RangeError(`--sweep ${text}: concurrency must be 1 or more, got 0`)
  return { stage, limit, values: [...all] }
}

function valuesOf(text: string, part: string): readonly number[] {
  if (/^\d+$/.test(part)) return [checked(text, part)]
  const bounds = range.exec(part)
  if (bounds === null) {
    throw new RangeError(`--sweep ${text}: values must be whole numbers, 64..4096 or 64..4096:64, got ${show(part)}`)
  }
  const [from, to] = [checked(text, bounds[1] as string), checked(text, bounds[2] as string)]
  const step = bounds[3] === undefined ? undefined : checked(text, bounds[3])
  if (from > to) throw new RangeError(`--sweep ${text}: ${part} must go up`)
  if (step === 0) throw new RangeError(`--sweep ${text}: the step of ${part} must be 1 or more`)
  if (step === undefined && from === 0) {
    throw new RangeError(`--sweep ${text}: what is doubled must begin at 1 or more; 0,1..${to} tries 0, too`)
  }
  const count = step === undefined ? 0 : Math.floor((to - from) / step) + 1
  if (count > mostValues) throw new RangeError(`--sweep ${text}: must be at most ${mostValues} values, got ${count}`)
  const values: number[] = []
  for (let value = from; value <= to; value = step === undefined ? 2 * value : value + step) values.push(value)
  return values
}

function checked(text: string, digits: string): number {
  const value = Number(digits)
  if (Number.isSafeInteger(value)) return value
  throw new RangeError(`--sweep ${text}: numbers must be at most ${Number.MAX_SAFE_INTEGER}, got ${digits}`)
}
