import { readFile } from 'node:fs/promises'
import { type Clock, messageOf } from '../../../operators/index.ts'
import { fileFault } from '../../retrieval/file-fault.ts'
import type { Distribution } from '../../simulation/distribution.ts'
import { isLoopback } from '../is-loopback.ts'
import { histogramFrom } from '../../simulation/prometheus-histogram.ts'

/** How long a server may take to tell its metrics. */
const patienceMs = 10_000

/** Where metrics are. */
export type MetricsPlace = { readonly url: string } | { readonly file: string }

/** A slot is taken until a stream ends, so where a stage gave streams their durations count. */
const metrics = ['orchestrator_stream_duration_seconds', 'orchestrator_stage_latency_seconds'] as const

/** Reads service times of stages from Prometheus' text format; each place is asked once. */
export class MetricsReader {
  private readonly texts = new Map<string, Promise<string>>()
  private readonly clock: Clock
  private readonly apiKey: string | undefined

  /** @param apiKey The bearer token that servers on this machine are shown: others are named by a file, and are strangers. */
  constructor(clock: Clock, apiKey: string | undefined) {
    this.clock = clock
    this.apiKey = apiKey
  }

  /** @throws Error that names the place and says what is wrong there. */
  async serviceTime(place: MetricsPlace, stage: string): Promise<Distribution> {
    const name = 'url' in place ? place.url : place.file
    const text = this.texts.get(name) ?? ('url' in place ? this.fetched(place.url) : contentOf(place.file))
    this.texts.set(name, text)
    const content = await text
    for (const metric of metrics) {
      const histogram = histogramIn(name, content, metric, stage)
      if (histogram !== undefined) return { kind: 'empirical', ...histogram }
    }
    throw new Error(`${name} has counted nothing of stage ${JSON.stringify(stage)} in ${metrics.join(' or ')}`)
  }

  private async fetched(url: string): Promise<string> {
    const headers = this.apiKey !== undefined && isHere(url) ? { authorization: `Bearer ${this.apiKey}` } : {}
    const patience = new AbortController()
    const timer = this.clock.setTimeout(() => {
      patience.abort(new Error(`it has not answered within ${patienceMs} ms`))
    }, patienceMs)
    try {
      const response = await fetch(url, { headers, signal: patience.signal })
      if (response.ok) return await response.text()
      await response.body?.cancel()
      const hint = response.status === 401 ? unauthorised(url) : ''
      throw new Error(`it answered with status ${response.status}${hint}`)
    } catch (error) {
      // What undici says itself is only that it failed.
      const { cause = error } = error as Error
      throw new Error(`${url} cannot be read: ${messageOf(cause)}`, { cause: error })
    } finally {
      this.clock.clearTimeout(timer)
    }
  }
}

/** Whether a server is on this machine. */
function isHere(url: string): boolean {
  // An address of IPv6 stands in brackets there.
  return isLoopback(new URL(url).hostname.replace(/^\[|\]$/g, ''))
}

function unauthorised(url: string): string {
  if (isHere(url)) return '; SPILLWAY_API_KEY must be its key'
  return '; only servers on this machine are shown SPILLWAY_API_KEY: fetch it yourself, and name the file'
}

async function contentOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`${file}: ${fileFault(error)}`, { cause: error })
  }
}

function histogramIn(name: string, text: string, metric: string, stage: string): ReturnType<typeof histogramFrom> {
  try {
    return histogramFrom(text, { metric, labels: { stage } })
  } catch (error) {
    throw new Error(`${name}: ${messageOf(error)}`, { cause: error })
  }
}
