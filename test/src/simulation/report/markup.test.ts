import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Markup, markup } from '../../../../src/simulation/report/markup.ts'
import { elementsOf, hostileNames } from './elements-of.ts'

test('no text becomes markup, and what a reader sees is the text', () => {
  const texts = fc.oneof(fc.constantFrom(...hostileNames), fc.string({ unit: 'binary' }))
  fc.assert(
    fc.property(texts, (text) => {
      const [element, ...others] = elementsOf(markup`<a title="${text}">${text}</a>`.text)
      expect(others).toEqual([])
      const seen = text.replace(/\p{C}/gu, '\ufffd')
      expect(element).toEqual({ name: 'a', attributes: { title: seen }, text: seen })
    }),
  )
})

test('markup stands as it is, alone and in a list, and numbers are rounded', () => {
  const bold = markup`<b>${1 / 3}</b>`
  expect(markup`<i>${bold}${[bold, new Markup('<br/>')]}</i>`.text).toBe('<i><b>0.33</b><b>0.33</b><br/></i>')
})
