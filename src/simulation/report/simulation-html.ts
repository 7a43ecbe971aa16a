import type { SimulationReport } from '../simulation-report.ts'
import { depthPicture } from './depth-picture.ts'
import { latencyPicture } from './latency-picture.ts'
import { Markup, markup } from './markup.ts'
import { shedPicture } from './shed-picture.ts'
import { scenarioOf, summaryOf, type SummaryLine } from './simulation-summary.ts'
import { lossesOf, stageColumns } from './stage-columns.ts'
import { stageLabel } from './stage-label.ts'

const style = new Markup(`
:root { color-scheme: light dark }
body { margin: 2rem auto; padding: 0 1rem; max-width: 72rem; font: 15px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff }
h1 { overflow-wrap: anywhere }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1.5rem; margin: 0 }
dt { font-weight: 600 }
dd { margin: 0; overflow-wrap: anywhere }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: 0.35rem 0.5rem; border-bottom: 1px solid #8886; text-align: right; vertical-align: top; white-space: nowrap }
thead th { vertical-align: bottom; white-space: normal }
th:first-child { min-width: 6rem; text-align: left; white-space: normal; overflow-wrap: anywhere }
th:last-child, td:last-child { min-width: 9rem; text-align: left; white-space: normal }
figure { margin: 1.5rem 0 }
figure svg { max-width: 100%; height: auto }
@media (prefers-color-scheme: dark) { body { color: #e6e6e6; background: #16181c } }
`)

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
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<h1>${title}</h1>
${definitionList(summaryOf(report))}
<h2>Scenario</h2>
${definitionList(scenarioOf(report))}
<h2>Stages</h2>
<div class="scroll" role="region" aria-label="Stages" tabindex="0">${stageTable(report)}</div>
<h2>Pictures</h2>
${pictures.map((svg) => markup`<figure>${new Markup(svg)}</figure>\n`)}</body>
</html>
`.text
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
