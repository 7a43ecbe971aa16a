import { getRandomValues } from 'node:crypto'
import type { RandomSource } from '../../operators/index.ts'

/** Drawn at once, because a call of the generator costs more than a prompt's template. */
const drawn = new Uint32Array(256)
let next = drawn.length

/** The platform's generator for secrets, in steps of 2⁻³²: what it has given tells nothing of what it will give. */
export const secureRandom: RandomSource = () => {
  if (next === drawn.length) {
    getRandomValues(drawn)
    next = 0
  }
  return (drawn[next++] ?? 0) / 2 ** 32
}
