import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Lane, LaneItem } from '../../operators/lane.ts'

test('is a line, and what leaves it keeps none of those behind it', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 50, size: 'max' }), (pushes) => {
      const lane = new Lane<number>('key')
      const plain: number[] = []
      let next = 0
      for (const push of pushes) {
        if (push) {
          lane.push(new LaneItem(next, 0))
          plain.push(next++)
        } else if (lane.waiting > 0) {
          const item = lane.shift()
          expect(item.value).toBe(plain.shift())
          expect(item.behind).toBe(undefined)
        }
        expect(lane.waiting).toBe(plain.length)
      }
    }),
  )
})
