import type { ScaleLinear } from 'd3-scale'
import { Markup, markup } from './markup.ts'

/** Width of all pictures, in pixels of their own. */
export const pictureWidth = 860

/** The part of a picture that shows figures, in pixels. */
export interface Plot {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** A line of an axis: where, and what stands beside it. */
export interface Tick {
  readonly at: number
  readonly text: string
}

/**
 * The colours of Okabe and Ito that can be told apart on white and on black, whatever the reader's colour vision; the
 * one after the last is that of the text.
 *
 * @see https://jfly.uni-koeln.de/color/
 */
const palette = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const

/** Class of the `index`th colour. */
export function colour(index: number): string {
  return `colour${index % (palette.length + 1)}`
}

const style = new Markup(`
.picture { color: #1b1b1b; font: 12px system-ui, sans-serif }
.picture .paper { fill: #fff }
.picture .stripe { stroke: #fff }
.picture text { fill: currentColor }
.picture .heading { font-size: 15px; font-weight: 600 }
.picture .grid { stroke: currentColor; stroke-opacity: 0.15 }
.picture .axis { stroke: currentColor }
.picture .line { fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linejoin: round }
.picture .area { fill: currentColor }
.picture .faint { fill-opacity: 0.12 }
${palette.map((value, index) => `.picture .${colour(index)} { color: ${value} }`).join('\n')}
@media (prefers-color-scheme: dark) {
  .picture { color: #e6e6e6 }
  .picture .paper { fill: #16181c }
  .picture .stripe { stroke: #16181c }
  /* The dark blue and the light one change places. */
  .picture .${colour(0)} { color: ${palette[5]} }
  .picture .${colour(5)} { color: ${palette[0]} }
}
`)

/**
 * A picture as SVG that stands alone: in a file or in a page, in light and in dark.
 *
 * @param id Begins the ids in it, of which a page has each once.
 * @param title Stands above it, too.
 * @param description What is to be seen, in words.
 */
export function picture(
  { id, title, description, height }: Readonly<Record<'id' | 'title' | 'description', string>> & { height: number },
  content: readonly Markup[],
): string {
  return markup`<svg xmlns="http://www.w3.org/2000/svg" class="picture" viewBox="0 0 ${pictureWidth} ${height}" width="${pictureWidth}" height="${height}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${title}</title>
<desc id="${id}-desc">${description}</desc>
<style>${style}</style>
<rect class="paper" width="${pictureWidth}" height="${height}"/>
<text class="heading" x="16" y="26">${title}</text>
${content}
</svg>`.text
}

/** An axis' lines at round numbers, of which there are about so many. */
export function ticksOf(scale: ScaleLinear<number, number>, count: number): readonly Tick[] {
  const format = scale.tickFormat(count)
  return scale.ticks(count).map((value) => ({ at: scale(value), text: format(value) }))
}

/** The axis below a plot. */
export function bottomAxis({ left, right, top, bottom }: Plot, ticks: readonly Tick[], label: string): Markup {
  const lines = ticks.map(
    ({ at, text }) => markup`<path class="grid" d="M${at},${top}V${bottom}"/>
<text x="${at}" y="${bottom + 18}" text-anchor="middle">${text}</text>
`,
  )
  return markup`${lines}<path class="axis" d="M${left},${bottom}H${right}"/>
<text x="${(left + right) / 2}" y="${bottom + 40}" text-anchor="middle">${label}</text>`
}

/** The axis on the left of a plot. */
export function leftAxis({ left, right, top, bottom }: Plot, ticks: readonly Tick[]): Markup {
  const lines = ticks.map(
    ({ at, text }) => markup`<path class="grid" d="M${left},${at}H${right}"/>
<text x="${left - 8}" y="${at + 4}" text-anchor="end">${text}</text>
`,
  )
  return markup`${lines}<path class="axis" d="M${left},${top}V${bottom}"/>`
}

/** A picture that has nothing to draw, and says so. */
export function emptyPicture(id: string, title: string, sentence: string): string {
  return picture({ id, title, description: sentence, height: 84 }, [markup`<text x="16" y="60">${sentence}</text>`])
}
