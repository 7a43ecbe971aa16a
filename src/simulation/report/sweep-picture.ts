import { scaleLinear } from 'd3-scale'
import { line } from 'd3-shape'
import type { SweepRow, SweepSetting } from '../sweep.ts'
import { type Markup, markup } from './markup.ts'
import { bottomAxis, colour, leftAxis, emptyPicture, picture, pictureWidth, type Plot, ticksOf } from './picture.ts'
import { readableCount, readableMs, readableShare, unitOf } from './readable-figures.ts'
import { stageLabel } from './stage-label.ts'

const title = 'Shed rate against p99, by what was tried'
const plot: Plot = { left: 64, right: pictureWidth - 250, top: 84, bottom: 384 }

/** What was tried, without its values. */
type Tried = Omit<SweepSetting, 'values'>

/**
 * The trade-off between shed rate and p99 of what a sweep tried, as SVG: a point for each combination, joined along the
 * setting that changes fastest, whose values stand beside the points.
 *
 * @param rows As `sweep` gives them.
 * @param settings What was tried, in the same order.
 */
export function sweepPicture(rows: readonly SweepRow[], settings: readonly Tried[]): string {
  const id = 'sweep'
  const fastest = settings.at(-1)
  const shown = rows.filter(({ report }) => report.latency.count > 0)
  if (fastest === undefined || shown.length === 0) {
    return emptyPicture(id, title, 'No request was completed.')
  }
  const longestMs = Math.max(...shown.map(({ report }) => report.latency.p99Ms))
  const { unit, lengthMs } = unitOf(longestMs)
  const x = scaleLinear([0, Math.max(...shown.map(({ report }) => report.shedRate)) || 0.01], [plot.left, plot.right])
  const y = scaleLinear([0, longestMs / lengthMs || 1], [plot.bottom, plot.top]).nice(5)
  const atShed = ({ report }: SweepRow): number => x(report.shedRate)
  const atP99 = ({ report }: SweepRow): number => y(report.latency.p99Ms / lengthMs)
  const others = settings.slice(0, -1)
  const named = (row: SweepRow): string => others.map((setting) => labelOf(setting, row)).join(', ')
  const lines = Map.groupBy(shown, named)
  const drawn = [...lines].map(([name, points], index): Markup => {
    const places = points.map((row) => ({ row, left: atShed(row), top: atP99(row) }))
    const marks = places.map(
      ({ row, left, top }) =>
        markup`<circle class="area" cx="${left}" cy="${top}" r="4"><title>${describe(row, settings)}</title></circle>\n`,
    )
    const labels = togetherWhereClose(places).map(([first, last]) => {
      const [from, to] = [first, last].map(({ row }) =>
        readableCount(row.tried[fastest.stage]?.[fastest.limit] as number),
      )
      const text = first === last ? (from as string) : `${from as string} … ${to as string}`
      return markup`<text x="${last.left + 7}" y="${last.top - 7}">${text}</text>\n`
    })
    const path = line<SweepRow>().x(atShed).y(atP99)(points) as string
    return markup`<g class="${colour(index)}"><path class="line" stroke-dasharray="${dashOf(index)}" d="${path}"/>
${marks}${labels}</g>
${name === '' ? [] : [legend(name, index)]}`
  })
  const description = `${shown.map((row) => describe(row, settings)).join('; ')}.`
  return picture({ id, title, description, height: plot.bottom + 56 }, [
    bottomAxis(
      plot,
      x.ticks(6).map((share) => ({ at: x(share), text: readableShare(share) })),
      'shed rate',
    ),
    leftAxis(plot, ticksOf(y, 5)),
    markup`<text x="16" y="48">beside the points: ${stageLabel(fastest.stage, 40)}.${fastest.limit}</text>
<text x="16" y="${plot.top - 12}">p99 (${unit})</text>
`,
    ...drawn,
  ])
}

/** Neighbours whose labels would lie upon each other: the first and the last of each group. */
function togetherWhereClose<P extends { readonly left: number; readonly top: number }>(places: readonly P[]): [P, P][] {
  const groups: [P, P][] = []
  for (const place of places) {
    const group = groups.at(-1)
    const isClose = group !== undefined && Math.hypot(place.left - group[1].left, place.top - group[1].top) < 12
    if (isClose) group[1] = place
    else groups.push([place, place])
  }
  return groups
}

/** Lines differ by their dashes besides their colours. */
function dashOf(index: number): string {
  return ['none', '7 4', '2 4', '9 3 2 3'][index % 4] as string
}

/** The name of a line and a piece of it, on the right of the plot. */
function legend(name: string, index: number): Markup {
  const top = plot.top + 8 + index * 20
  const left = plot.right + 18
  return markup`<g class="${colour(index)}"><path class="line" stroke-dasharray="${dashOf(index)}" d="M${left},${top - 4}h26"/></g>
<text x="${left + 32}" y="${top}">${name}</text>
`
}

function labelOf({ stage, limit }: Tried, { tried }: SweepRow): string {
  return `${stageLabel(stage, 14)}.${limit} ${readableCount(tried[stage]?.[limit] as number)}`
}

function describe(row: SweepRow, settings: readonly Tried[]): string {
  const { report } = row
  const tried = settings.map((setting) => labelOf(setting, row)).join(', ')
  return `${tried}: ${readableShare(report.shedRate)} shed, p99 ${readableMs(report.latency.p99Ms)}`
}
