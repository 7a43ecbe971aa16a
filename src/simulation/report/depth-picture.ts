import { scaleLinear, type ScaleLinear } from 'd3-scale'
import { area, line } from 'd3-shape'
import type { SimulationReport } from '../simulation-report.ts'
import { type Markup, markup } from './markup.ts'
import { bottomAxis, colour, leftAxis, emptyPicture, picture, pictureWidth, type Plot, ticksOf } from './picture.ts'
import { unitOf } from './readable-figures.ts'
import { stageLabel } from './stage-label.ts'

const title = 'Queue depth over time'
const caption = 'waiting (requests, or units where a stage weighs them), each stage on a scale of its own'
const left = 64
const right = pictureWidth - 40
const top = 62
/** All plots together, where they are few, and one, where they are many. */
const plotsHeight = 280
const leastHeight = 44
/** For the stage's name, above its plot. */
const nameHeight = 30
const nameLength = 80

/**
 * The depth of each stage that ever had something waiting, over time, as SVG: one plot below the other, because lines
 * that go up and down by the second cannot be told apart in one.
 */
export function depthPicture({ timeline, warmupMs }: SimulationReport): string {
  const { atMs } = timeline
  const waiting = timeline.stages.filter(({ depth }) => depth.some((each) => each > 0))
  const id = 'depth'
  if (waiting.length === 0) {
    return emptyPicture(id, title, `Nothing was waiting at any of ${atMs.length} moments.`)
  }
  const endMs = Math.max(...atMs)
  const { unit, lengthMs } = unitOf(endMs)
  const x = scaleLinear([0, endMs / lengthMs], [left, right])
  const plotHeight = Math.max(leastHeight, plotsHeight / waiting.length)
  const plots = waiting.map(({ name, depth }, index): Markup => {
    const plotTop = top + nameHeight + index * (nameHeight + plotHeight)
    return depthPlot({ name, depth, xs: atMs.map((ms) => x(ms / lengthMs)) }, x(warmupMs / lengthMs), {
      ...{ left, right, top: plotTop, bottom: plotTop + plotHeight },
    })
  })
  const bottom = top + waiting.length * (nameHeight + plotHeight)
  const ticks = ticksOf(x, 8)
  const peaks = waiting.map(({ name, depth }) => `${stageLabel(name, nameLength)} up to ${Math.max(...depth)}`)
  return picture({ id, title, description: `Waiting over time: ${peaks.join(', ')}.`, height: bottom + 56 }, [
    markup`<text x="16" y="48">${caption}${warmupMs > 0 ? '; shaded: warm-up' : ''}</text>
`,
    ...plots,
    bottomAxis({ left, right, top: top + nameHeight, bottom }, ticks, `simulated time (${unit})`),
  ])
}

function depthPlot(
  { name, depth, xs }: { readonly name: string; readonly depth: readonly number[]; readonly xs: readonly number[] },
  warmupEnd: number,
  plot: Plot,
): Markup {
  const y = scaleLinear([0, Math.max(...depth)], [plot.bottom, plot.top])
  const atX = (_: number, index: number): number => xs[index] as number
  const atY = (each: number): number => y(each)
  return markup`<text x="${plot.left}" y="${plot.top - 8}">${stageLabel(name, nameLength)}<title>${name}</title></text>
${warmup(warmupEnd, plot)}${leftAxis(plot, depthTicks(y, plot))}
<g class="${colour(0)}">
<path class="area faint" d="${area<number>().x(atX).y0(plot.bottom).y1(atY)(depth) as string}"/>
<path class="line" d="${line<number>().x(atX).y(atY)(depth) as string}"/></g>
`
}

function depthTicks(y: ScaleLinear<number, number>, { top, bottom }: Plot): readonly { at: number; text: string }[] {
  const wholes = y.ticks((bottom - top) / 30).filter(Number.isInteger)
  return wholes.map((depth) => ({ at: y(depth), text: depth.toLocaleString('en-US') }))
}

function warmup(end: number, { left, top, bottom }: Plot): readonly Markup[] {
  if (end <= left) return []
  return [
    markup`<rect class="area faint" x="${left}" y="${top}" width="${end - left}" height="${bottom - top}"/>
`,
  ]
}
