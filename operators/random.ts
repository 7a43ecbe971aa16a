/** Gives numbers from 0 (included) to 1 (excluded); pass one with a seed to repeat what it decided. */
export type RandomSource = () => number

/** The platform's own, the default everywhere. */
export const systemRandom: RandomSource = Math.random
