import * as fc from 'fast-check'

/** Priorities, higher matters more: 0, 1 and 2, often the same for a while. */
export function priorities(): fc.Arbitrary<number> {
  return fc.constantFrom(0, 0, 1, 1, 2)
}

/** Units of a capacity that an item takes up: mostly 1, also fractions and such as are too much for a small capacity. */
export function weights(): fc.Arbitrary<number> {
  return fc.constantFrom(1, 1, 1, 2, 0.5, 3, 8)
}

/** Keys (sessions, tenants, partitions), of which one is hot. */
export function keys(): fc.Arbitrary<string> {
  return fc.constantFrom('a', 'a', 'a', 'b', 'c')
}
