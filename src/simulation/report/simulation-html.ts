import type { SimulationReport } from '../simulation-report.ts'
import { depthPicture } from './depth-picture.ts'
import { latencyPicture } from './latency-picture.ts'
import { Markup, markup } from './markup.ts'
import { page } from './page.ts'
import { shedPicture } from './shed-picture.ts'
import { scenarioOf, summaryOf, type SummaryLine } from './simulation-summary.ts'
import { lossesOf, stageColumns } from './stage-columns.ts'
import { stageLabel } from './stage-label.ts'

/**
 * A simulation's report as a page of HTML: the summary, the scenario, a table of the stages, and pictures of queue depth
 * over time, latency by percentile, and shed by stage. It stands alone: it has no script and loads nothing, so it can be
 * read from a file. The same report gives the same page.
 *
 * @example
 * ```ts
 * await writeFile('simulation.html', simulationHtml(await simulate(definition, scenario)))
 * ```
 */
export function simulationHtml(report: SimulationReport): string {
  const title = `Simulation of ${stageLabel(report.pipeline, 60)}`
  const pictures = [depthPicture(report), latencyPicture(report), shedPicture(report)]
  return page(title, [
    markup`${definitionList(summaryOf(report))}
<h2>Scenario</h2>
${definitionList(scenarioOf(report))}
<h2>Stages</h2>
<div class="scroll" role="region" aria-label="Stages" tabindex="0">${stageTable(report)}</div>
<h2>Pictures</h2>
${pictures.map((svg) => markup`<figure>${new Markup(svg)}</figure>\n`)}`,
  ])
}

function definitionList(lines: readonly SummaryLine[]): Markup {
  return markup`<dl>
${lines.map(([name, figure]) => markup`<dt>${name}</dt><dd>${figure}</dd>\n`)}</dl>`
}

function stageTable({ stages }: SimulationReport): Markup {
  const head = stageColumns.map(({ title }) => markup`<th scope="col">${title}</th>`)
  const rows = stages.map((stage) => {
    const figures = stageColumns.map(({ read }) => markup`<td>${read(stage)}</td>`)
    const losses = lossesOf(stage).join(', ')
    return markup`<tr><th scope="row">${stage.name}</th>${figures}<td>${losses === '' ? 'none' : losses}</td></tr>\n`
  })
  return markup`<table>
<thead><tr><th scope="col">Stage</th>${head}<th scope="col">Shed by reason, expired, failed</th></tr></thead>
<tbody>
${rows}</tbody>
</table>`
}
