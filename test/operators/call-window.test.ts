import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CallWindow } from '../../operators/call-window.ts'

test('holds the last calls, as many as it is large', () => {
  const anyAdds = fc.array(fc.option(fc.boolean(), { freq: 20 }), { maxLength: 60, size: 'max' })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), anyAdds, (size, adds) => {
      const window = new CallWindow(size)
      let all: boolean[] = []
      for (const failed of adds) {
        if (failed === null) window.clear()
        else window.add(failed)
        all = failed === null ? [] : [...all, failed]
        const last = all.slice(-size)
        expect([window.calls, window.failures]).toEqual([last.length, last.filter((one) => one).length])
      }
    }),
  )
})
