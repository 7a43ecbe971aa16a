import { show } from '../../operators/index.ts'
import type { Histogram } from './histogram.ts'

/** Which histogram of a text is meant. */
export interface HistogramSelection {
  /** Its name, without `_bucket`, `_sum` and `_count`; what it counts must be seconds. */
  readonly metric: string
  /** The labels that it has; those that have others besides are added up. Default none, which is all. */
  readonly labels?: Readonly<Record<string, string>>
}

interface Sample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

const sampleLine = /^([a-zA-Z_:][\w:]*)[ \t]*(?:\{(.*)\})?[ \t]*(\S+)(?:[ \t]+-?\d+)?$/s
const labelPair = /[ \t]*([a-zA-Z_]\w*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(?:,|$)/sy
const escapes: Readonly<Record<string, string>> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' }

/**
 * Reads a histogram of seconds from what a server tells at `/metrics`, for a service time of kind `empirical`. Its mean is
 * that of `_sum` and `_count`; it is absent where there is no `_sum`, or it is 0.
 *
 * @param text Prometheus' text format, 0.0.4.
 * @returns `undefined` where there is no such histogram, or it has counted nothing.
 * @throws RangeError that says what is wrong: a line that is no sample, buckets that do not fit together.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 *
 * @example
 * ```ts
 * const text = await (await fetch('http://127.0.0.1:8080/metrics')).text()
 * const histogram = histogramFrom(text, { metric: 'orchestrator_stage_latency_seconds', labels: { stage: 'rag' } })
 * const rag = histogram === undefined ? 0 : { kind: 'empirical', ...histogram }
 * ```
 */
export function histogramFrom(text: string, { metric, labels = {} }: HistogramSelection): Histogram | undefined {
  const wanted = Object.entries(labels)
  const cumulative = new Map<number, number>()
  const series = new Map<string, Set<number>>()
  let [sum, count] = [0, 0]
  for (const sample of samplesOf(text, metric)) {
    if (!wanted.every(([label, value]) => sample.labels.get(label) === value)) continue
    if (sample.name === `${metric}_sum`) sum += sample.value
    if (sample.name === `${metric}_count`) count += sample.value
    if (sample.name !== `${metric}_bucket`) continue
    const bound = numberOf(sample.labels.get('le') ?? '')
    if (Number.isNaN(bound)) throw new RangeError(`${sample.name} must have a number as its label le`)
    cumulative.set(bound, (cumulative.get(bound) ?? 0) + sample.value)
    const others = JSON.stringify([...sample.labels].filter(([label]) => label !== 'le').sort())
    series.set(others, (series.get(others) ?? new Set()).add(bound))
  }
  if ([...series.values()].some((bounds) => bounds.size !== cumulative.size)) {
    throw new RangeError(`${metric} must have the same buckets with all labels, or it cannot be added up`)
  }
  // What is beyond the bounds is counted by `_count` as well.
  const total = cumulative.get(Infinity) ?? count
  if (total === 0) return undefined
  const bounds = [...cumulative.keys()].filter((bound) => bound !== Infinity).sort((one, other) => one - other)
  const upTo = [...bounds.map((bound) => cumulative.get(bound) as number), total]
  const counts = upTo.map((each, bucket) => each - (upTo[bucket - 1] ?? 0))
  const bad = counts.findIndex((each) => !(each >= 0))
  if (bad !== -1) {
    const le = bounds[bad] ?? '+Inf'
    throw new RangeError(`${metric}_bucket must not count less than the bucket before, as that of le="${le}" does`)
  }
  const meanMs = (sum / count) * 1_000
  return {
    // A product such as 1.005 × 1,000 is off in its last digit.
    boundsMs: bounds.map((bound) => Number((bound * 1_000).toPrecision(12))),
    counts,
    ...(meanMs > 0 && meanMs < Infinity && { meanMs }),
  }
}

function* samplesOf(text: string, metric: string): Generator<Sample> {
  for (const [index, line] of text.split('\n').entries()) {
    // The others are none of our business.
    if (!line.startsWith(metric)) continue
    const [, name, pairs = '', value = ''] = sampleLine.exec(line.trim()) ?? []
    const labels = labelsOf(pairs)
    const number = numberOf(value)
    if (name === undefined || labels === undefined || Number.isNaN(number)) {
      throw new RangeError(`line ${index + 1} must be a sample in Prometheus' text format, got ${show(line)}`)
    }
    yield { name, labels, value: number }
  }
}

/** `undefined` where they cannot be read. */
function labelsOf(text: string): ReadonlyMap<string, string> | undefined {
  const labels = new Map<string, string>()
  labelPair.lastIndex = 0
  while (labelPair.lastIndex < text.trimEnd().length) {
    const match = labelPair.exec(text)
    if (match === null) return undefined
    const [, label, value] = match as unknown as readonly [string, string, string]
    labels.set(
      label,
      value.replace(/\\./gs, (escaped) => escapes[escaped] ?? escaped),
    )
  }
  return labels
}

function numberOf(text: string): number {
  if (/^\+?Inf$/i.test(text)) return Infinity
  return /^[-+]?[\d.]/.test(text) ? Number(text) : NaN
}
