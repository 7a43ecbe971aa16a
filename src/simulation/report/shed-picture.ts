import { scaleLinear } from 'd3-scale'
import type { ShedReason } from '../../../operators/index.ts'
import type { SimulationReport, StageReport } from '../simulation-report.ts'
import { type Markup, markup } from './markup.ts'
import { bottomAxis, colour, emptyPicture, picture, pictureWidth, type Plot } from './picture.ts'
import { readableCount } from './readable-figures.ts'
import { stageLabel } from './stage-label.ts'

const title = 'Requests shed by stage and reason'
const nameLength = 28
const rowHeight = 28
const barHeight = 18
const legendTop = 42
const legendHeight = 22
const legendColumns = 5
const legendWidth = 160
/** Directions of stripes, in degrees, by which reasons differ besides their colours; the first has none. */
const stripes = [undefined, 45, -45, 90] as const

/** How many requests each stage shed, as bars that are stacked by reason, as SVG. */
export function shedPicture({ stages }: SimulationReport): string {
  const id = 'shed'
  const reasons = [...new Set(stages.flatMap(({ shed }) => Object.keys(shed) as ShedReason[]))]
  if (reasons.length === 0) {
    return emptyPicture(id, title, 'No request was shed.')
  }
  const top = legendTop + Math.ceil(reasons.length / legendColumns) * legendHeight + 12
  const plot: Plot = { left: 210, right: pictureWidth - 80, top, bottom: top + stages.length * rowHeight }
  const x = scaleLinear([0, Math.max(...stages.map(totalOf))], [plot.left, plot.right])
  const wholes = x.ticks(6).filter(Number.isInteger)
  const losers = stages.filter((stage) => totalOf(stage) > 0)
  const parts = losers.map(({ name, shed }) => {
    const counts = Object.entries(shed).map(([reason, count]) => `${readableCount(count)} ${reason}`)
    return `${stageLabel(name, nameLength)} ${counts.join(', ')}`
  })
  return picture({ id, title, description: `Shed: ${parts.join('; ')}.`, height: plot.bottom + 56 }, [
    markup`<defs>${reasons.map((_, index) => pattern(index))}</defs>
`,
    ...legend(reasons),
    bottomAxis(
      plot,
      wholes.map((count) => ({ at: x(count), text: readableCount(count) })),
      'shed (requests)',
    ),
    ...stages.map((stage, index) => bar(stage, plot.top + index * rowHeight, { reasons, x, left: plot.left })),
  ])
}

function totalOf({ shed }: StageReport): number {
  return Object.values(shed).reduce((sum, count) => sum + count, 0)
}

function bar(
  stage: StageReport,
  top: number,
  {
    reasons,
    x,
    left,
  }: { readonly reasons: readonly ShedReason[]; readonly x: (count: number) => number; left: number },
): Markup {
  let before = 0
  const pieces = reasons.map((reason, index) => {
    const count = stage.shed[reason] ?? 0
    if (count === 0) return markup``
    const from = x(before)
    const to = x((before += count))
    return markup`<rect x="${from}" y="${top + 5}" width="${to - from}" height="${barHeight}" fill="url(#shed-${index})"><title>${reason} ${count}</title></rect>
`
  })
  const middle = top + rowHeight / 2 + 4
  return markup`<text x="${left - 10}" y="${middle}" text-anchor="end">${stageLabel(stage.name, nameLength)}<title>${stage.name}</title></text>
${pieces}<text x="${x(before) + 6}" y="${middle}">${readableCount(before)}</text>
`
}

function legend(reasons: readonly ShedReason[]): readonly Markup[] {
  return reasons.map((reason, index) => {
    const left = 16 + (index % legendColumns) * legendWidth
    const top = legendTop + Math.floor(index / legendColumns) * legendHeight
    return markup`<rect x="${left}" y="${top}" width="22" height="14" fill="url(#shed-${index})"/>
<text x="${left + 28}" y="${top + 11}">${reason}</text>
`
  })
}

function pattern(index: number): Markup {
  const angle = stripes[index % stripes.length]
  const lines = markup`<path class="stripe" d="M0,0H8" stroke-width="5"/>`
  return markup`<pattern id="shed-${index}" class="${colour(index)}" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(${angle ?? 0})"><rect class="area" width="8" height="8"/>${angle === undefined ? [] : lines}</pattern>`
}
