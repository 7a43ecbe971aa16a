import fc from 'fast-check'
import { mulberry32 } from '../fixtures/mulberry32.ts'
import { cut, filtered } from '../src/stages/filtered.ts'
import { filtersUnderTest, type FilterUnderTest } from '../src/stages/filters-under-test.ts'
import type { Report, ReportLine } from './report.ts'

const textsForEach = 5_000
const splitsOfEach = 20

/** Whether any of 100,000 random splits changes what a filter makes of a text; for every filter. */
export function splits(): Report {
  const seed = Number(process.env['FC_SEED'] ?? Math.trunc(Math.random() * 2 ** 31))
  return {
    title: `${textsForEach * splitsOfEach} random splits for each filter; seed ${seed} (FC_SEED=${seed} draws them again)`,
    lines: filtersUnderTest.map((subject) => tried(subject, seed)),
  }
}

function tried({ name, create, text }: FilterUnderTest, seed: number): ReportLine {
  const start = performance.now()
  const random = mulberry32(seed)
  let failures = 0
  let units = 0
  for (const whole of fc.sample(text, { seed, numRuns: textsForEach })) {
    units += whole.length
    const atOnce = filtered(create(), [whole])
    for (let split = 0; split < splitsOfEach; split++) {
      // From one piece to single units: the number of cuts is random, too.
      const places = Array.from({ length: Math.trunc(random() * (whole.length + 1)) }, () =>
        Math.trunc(random() * (whole.length + 1)),
      )
      const inPieces = filtered(create(), cut(whole, places))
      if (inPieces.text === atOnce.text && inPieces.ended === atOnce.ended) continue
      if (failures++ === 0) console.error(`${name}: ${JSON.stringify(cut(whole, places))} gives another result`)
    }
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const figure = `${failures} failures, texts of ${Math.round(units / textsForEach)} units, ${seconds} s`
  return { name, figure, target: '0 failures', met: failures === 0 }
}
