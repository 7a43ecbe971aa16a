import type { SweepRow, SweepSetting } from '../sweep.ts'
import { Markup, markup } from './markup.ts'
import { page } from './page.ts'
import { stageLabel } from './stage-label.ts'
import { sweepColumns } from './sweep-columns.ts'
import { sweepPicture } from './sweep-picture.ts'

/**
 * What a sweep found as a page of HTML: the trade-off between shed rate and p99 as a picture, and a table with a row for
 * each combination. It stands alone: it has no script and loads nothing. The same rows give the same page.
 *
 * @param rows As `sweep` gives them.
 * @param settings What was tried, in the same order.
 *
 * @example
 * ```ts
 * const settings = [{ stage: 'inference', limit: 'concurrency', values: [8, 16, 32] }] as const
 * await writeFile('sweep.html', sweepHtml(await sweep(chat, scenario, settings), settings))
 * ```
 */
export function sweepHtml(rows: readonly SweepRow[], settings: readonly Omit<SweepSetting, 'values'>[]): string {
  const name = rows[0]?.report.pipeline ?? ''
  return page(`Limits of ${stageLabel(name, 60)}`, [
    markup`<figure>${new Markup(sweepPicture(rows, settings))}</figure>
<div class="scroll" role="region" aria-label="What was tried" tabindex="0">${table(rows, settings)}</div>
`,
  ])
}

function table(rows: readonly SweepRow[], settings: readonly Omit<SweepSetting, 'values'>[]): Markup {
  const columns = sweepColumns(settings)
  const head = columns.map(([title]) => markup`<th scope="col">${title}</th>`)
  const body = rows.map((row) => markup`<tr>${columns.map(([, read]) => markup`<td>${read(row)}</td>`)}</tr>\n`)
  return markup`<table>
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody>
</table>`
}
