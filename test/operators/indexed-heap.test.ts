import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IndexedHeap } from '../../operators/indexed-heap.ts'

interface Member {
  readonly key: number
  readonly id: number
  index: number
}

test('the first is the smallest, whatever is added and taken out, and members know whether they are in it', () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.record({ key: fc.nat({ max: 9 }) }) },
      { weight: 2, arbitrary: fc.record({ pick: fc.nat({ max: 99 }) }) },
    ),
    { maxLength: 60, size: 'max' },
  )
  fc.assert(
    fc.property(steps, (script) => {
      const heap = new IndexedHeap<'index', Member>(
        'index',
        (a, b) => a.key < b.key || (a.key === b.key && a.id < b.id),
      )
      const all: Member[] = []
      let present: Member[] = []
      for (const step of script) {
        if ('key' in step) {
          const member = { key: step.key, id: all.length, index: -1 }
          all.push(member)
          present.push(member)
          heap.add(member)
        } else if (all.length > 0) {
          const member = all[step.pick % all.length]!
          expect(heap.delete(member)).toBe(present.includes(member))
          present = present.filter((other) => other !== member)
        }
        expect(heap.size).toBe(present.length)
        expect(heap.first).toBe(present.toSorted((a, b) => a.key - b.key || a.id - b.id)[0])
        expect(all.filter(({ index }) => index !== -1)).toEqual(present)
      }
      const drained: Member[] = []
      for (let next = heap.first; next !== undefined; next = heap.first) {
        drained.push(next)
        heap.delete(next)
      }
      expect(drained).toEqual(present.toSorted((a, b) => a.key - b.key || a.id - b.id))
    }),
  )
})
