import { getRandomValues } from 'node:crypto'
import type { RandomSource } from '../../operators/index.ts'

/** The platform's generator for secrets, in steps of 2⁻³²: what it has given tells nothing of what it will give. */
export const secureRandom: RandomSource = () => (getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32
