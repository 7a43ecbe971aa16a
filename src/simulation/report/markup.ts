import { printable } from '../../printable.ts'

/** XML or HTML that may stand as it is. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * Markup from a template: texts that are put in are escaped and lose what XML forbids, numbers are rounded to two digits behind the point.
 *
 * @example
 * ```ts
 * markup`<text x="${12.3456}">${'a < b'}</text>`.text // '<text x="12.35">a &lt; b</text>'
 * ```
 */
export function markup(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Markup | readonly Markup[])[]
): Markup {
  return new Markup(String.raw({ raw: parts }, ...values.map(insertion)))
}

function insertion(value: string | number | Markup | readonly Markup[]): string {
  if (value instanceof Markup) return value.text
  if (typeof value === 'number') return String(Math.round(value * 100) / 100)
  if (typeof value === 'string')
    return printable(value).replace(/[&<>"']/g, (character) => entities[character] as string)
  return value.map(({ text }) => text).join('')
}
