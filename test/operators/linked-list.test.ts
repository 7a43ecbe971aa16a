import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Linked, LinkedList } from '../../operators/index.ts'

class Member implements Linked {
  next: this | undefined = undefined
  previous: this | undefined = undefined
  listed = false
}

const step = fc.record({ what: fc.constantFrom('add', 'addFirst', 'delete', 'shift'), which: fc.nat({ max: 7 }) })

test('holds each member once, in the order of adding, whatever comes and goes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const members = Array.from({ length: 8 }, () => new Member())
      const list = new LinkedList<Member>()
      let model: Member[] = []
      for (const { what, which } of steps) {
        const member = members[which] as Member
        const others = model.filter((other) => other !== member)
        const isIn = others.length < model.length
        if (what === 'add') {
          list.add(member)
          if (!isIn) model = [...model, member]
        } else if (what === 'addFirst') {
          list.addFirst(member)
          if (!isIn) model = [member, ...model]
        } else if (what === 'delete') {
          expect(list.delete(member)).toBe(isIn)
          model = others
        } else {
          expect(list.shift()).toBe(model.shift())
        }
        expect([...list].map((entry) => members.indexOf(entry))).toEqual(model.map((entry) => members.indexOf(entry)))
        expect(list.size).toBe(model.length)
        for (const entry of members) expect(entry.listed).toBe(model.includes(entry))
      }
    }),
  )
})

test('lets go of what has left it', () => {
  const [first, second] = [new Member(), new Member()]
  const list = new LinkedList<Member>()
  list.add(first)
  list.add(second)
  list.delete(first)
  expect(first).toEqual(new Member())
  expect(second.previous).toBeUndefined()
})
