import { startOpenAiServer } from '../fixtures/openai-server.ts'
import { startSpillway } from './spillway-process.ts'

/** What became of two clients that left. */
export interface DisconnectReport {
  /** Milliseconds from the moment when a client left in mid-stream until the model's connection was seen closed. */
  readonly modelClosedAfterMs: number
  /** Whether the model could have gone on. */
  readonly brokenOff: boolean
  readonly afterFirst: Figures
  /** Milliseconds until a client that left while its request waited was counted. */
  readonly waitingGoneAfterMs: number
  readonly afterSecond: Figures
  /** Completions that the model was asked for: by the client in mid-stream and by the one that held the slot. */
  readonly asked: number
}

/** What `GET /v1/pipeline` says. */
interface Figures {
  readonly cancelled: number
  readonly inFlight: number
  /** Slots of inference in use, and requests that wait for one. */
  readonly running: number
  readonly waiting: number
}

/** Serves a model that never stops talking, with one slot, and lets clients leave over real sockets. */
export async function measureDisconnect(): Promise<DisconnectReport> {
  await using model = await startOpenAiServer({ endless: true, chunks: ['and ', 'on '], chunkDelayMs: 1 })
  const spillway = await startSpillway(['--no-docs', '--inference-concurrency', '1', '--log-level', 'error'], {
    OPENAI_BASE_URL: model.baseUrl,
  })
  const asked = (): number => model.requests.filter(({ path }) => path.endsWith('/chat/completions')).length
  const figures = async (): Promise<Figures> => {
    const response = await fetch(`${spillway.url}/v1/pipeline`)
    const { ledger, stages } = (await response.json()) as {
      readonly ledger: { readonly cancelled: number; readonly inFlight: number }
      readonly stages: { readonly inference: { readonly running: number; readonly queueDepth: number } }
    }
    const { running, queueDepth } = stages.inference
    return { cancelled: ledger.cancelled, inFlight: ledger.inFlight, running, waiting: queueDepth }
  }
  const until = async (reached: (now: Figures) => boolean): Promise<Figures> => {
    for (;;) {
      const now = await figures()
      if (reached(now)) return now
    }
  }

  try {
    const streaming = new Client(spillway.url)
    await streaming.firstChunk()
    const received = model.requests.find(({ path }) => path.endsWith('/chat/completions'))!
    const leftAt = performance.now()
    streaming.leave()
    const { atMs, complete } = await received.closed
    const afterFirst = await until(({ cancelled }) => cancelled === 1)

    const holding = new Client(spillway.url)
    await holding.firstChunk()
    const waiting = new Client(spillway.url)
    await until((now) => now.waiting === 1)
    const waitingLeftAt = performance.now()
    waiting.leave()
    const afterSecond = await until(({ cancelled }) => cancelled === 2)
    const waitingGoneAfterMs = performance.now() - waitingLeftAt
    holding.leave()
    await until(({ inFlight }) => inFlight === 0)
    return {
      modelClosedAfterMs: tenths(atMs - leftAt),
      brokenOff: !complete,
      afterFirst,
      waitingGoneAfterMs: tenths(waitingGoneAfterMs),
      afterSecond,
      asked: asked(),
    }
  } finally {
    await spillway.stop()
  }
}

/** Asks for a streamed answer, on a connection of its own that is torn down when it leaves. */
class Client {
  private readonly leaving = new AbortController()
  private readonly response: Promise<Response>

  constructor(url: string) {
    this.response = fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ stream: true, messages: [{ role: 'user', content: 'Go on and on.' }] }),
      signal: this.leaving.signal,
    })
    // One that leaves before its answer has begun wants to hear nothing of it.
    this.response.catch(() => undefined)
  }

  async firstChunk(): Promise<void> {
    const { body } = await this.response
    await body!.getReader().read()
  }

  leave(): void {
    this.leaving.abort()
  }
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}
