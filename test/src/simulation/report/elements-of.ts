import { Parser } from 'htmlparser2'
import { expect } from 'vitest'

/** An element, with the texts right in it. */
export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly text: string
}

/** All elements of an XML document, which must be well-formed, in the order in which they begin. */
export function elementsOf(xml: string): readonly Element[] {
  expect(xml).not.toMatch(/&(?!(?:amp|lt|gt|quot|#39);)/)
  expect(xml).not.toMatch(/[^\P{C}\n]/u)
  const elements: (Element & { text: string })[] = []
  const open: (Element & { text: string })[] = []
  const parser = new Parser(
    {
      onopentag: (name, attributes) => {
        const element = { name, attributes, text: '' }
        elements.push(element)
        open.push(element)
      },
      ontext: (text) => {
        const innermost = open.at(-1)
        if (innermost === undefined) expect(text.trim()).toBe('')
        else innermost.text += text
      },
      onclosetag: (name) => {
        expect(open.pop()?.name).toBe(name)
      },
    },
    { xmlMode: true },
  )
  parser.end(xml)
  // An end that is missing is made up by the parser, and one too many is passed over.
  const begins = xml.match(/<[a-z][^>]*[^/]>/gi)?.length
  expect(xml.match(/<\/[a-z]+>/gi)?.length).toBe(begins)
  return elements
}

/** Of what `elementsOf` gives those with a name and a class. */
export function withClass(elements: readonly Element[], name: string, className: string): readonly Element[] {
  return elements.filter((each) => each.name === name && each.attributes['class']?.split(' ').includes(className))
}

/** Names that must not become markup, nor be obeyed by a terminal. */
export const hostileNames = [
  '<script>alert(1)</script>',
  '"><image href="http://example.org/x"/>',
  "' onload='alert(1)",
  '</style></svg><b>',
  '&amp;&#x0;]]><!--',
  'bell\u0007 esc\u001b[31m nul\0 bidi\u202e half\ud800',
] as const
