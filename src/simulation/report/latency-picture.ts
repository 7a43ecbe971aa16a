import { scaleLinear, scaleLog } from 'd3-scale'
import { area, line } from 'd3-shape'
import type { DurationPoint } from '../durations.ts'
import type { SimulationReport } from '../simulation-report.ts'
import { markup } from './markup.ts'
import { bottomAxis, colour, leftAxis, emptyPicture, picture, pictureWidth, type Plot, ticksOf } from './picture.ts'
import { readableCount, readableMs, unitOf } from './readable-figures.ts'

const title = 'Latency by percentile'
const plot: Plot = { left: 64, right: pictureWidth - 40, top: 90, bottom: 370 }
const percentiles = [0, 50, 90, 99, 99.9, 99.99] as const

/**
 * The latency of completed requests by percentile, as SVG; each further nine takes as much room as the one before, as in
 * the plots of HdrHistogram.
 *
 * @see https://hdrhistogram.github.io/HdrHistogram/plotFiles.html
 */
export function latencyPicture({ latency, latencyDistribution: points }: SimulationReport): string {
  const id = 'latency'
  if (points.length === 0) {
    return emptyPicture(id, title, 'No request was completed.')
  }
  const longestMs = (points.at(-1) as DurationPoint).ms
  const { unit, lengthMs } = unitOf(longestMs)
  const x = scaleLog([1, 10_000], [plot.left, plot.right])
  // All may have taken no time.
  const y = scaleLinear([0, longestMs / lengthMs || 1], [plot.bottom, plot.top]).nice(5)
  const atShare = ({ share }: DurationPoint): number => x(1 / (1 - share))
  const atMs = ({ ms }: DurationPoint): number => y(ms / lengthMs)
  const figures = `p50 ${readableMs(latency.p50Ms)}, p90 ${readableMs(latency.p90Ms)}, p99 ${readableMs(latency.p99Ms)}`
  const description = `Completed requests: ${readableCount(latency.count)}; ${figures}, max ${readableMs(latency.maxMs)}.`
  return picture({ id, title, description, height: plot.bottom + 56 }, [
    bottomAxis(
      plot,
      percentiles.map((percentile) => ({ at: x(100 / (100 - percentile)), text: `${percentile}%` })),
      'share of the completed requests that took no longer',
    ),
    leftAxis(plot, ticksOf(y, 5)),
    markup`<text x="16" y="48">${description}</text>
<text x="16" y="${plot.top - 14}">latency (${unit})</text>
`,
    markup`<g class="${colour(0)}">
<path class="area faint" d="${area<DurationPoint>().x(atShare).y0(plot.bottom).y1(atMs)(points) as string}"/>
<path class="line" d="${line<DurationPoint>().x(atShare).y(atMs)(points) as string}"/></g>
`,
    markup`<g class="${colour(0)}">${([50, 90, 99] as const).map((percentile) => {
      const point = { share: percentile / 100, ms: latency[`p${percentile}Ms`] }
      return markup`<circle class="area" cx="${atShare(point)}" cy="${atMs(point)}" r="4"/>`
    })}</g>`,
  ])
}
