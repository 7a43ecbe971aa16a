import { Registry } from 'prom-client'
import type { Ledger, Running } from '../../src/pipeline/running.ts'
import { chatPipeline } from '../../src/preset.ts'
import type { PromptRequest } from '../../src/prompt-request.ts'
import { createSqliteRetriever } from '../../src/retrieval/sqlite-retriever.ts'
import { createServer, type ServerOptions, type SpillwayServer } from '../../src/server/index.ts'
import { echo } from '../../src/workers/index.ts'
import type { CompletionChunk } from '../../src/workers/model-worker.ts'

/** The whole server, with all five stages, that bad input is tried on. */
export interface OpenServer {
  readonly port: number
  readonly running: Running<PromptRequest, CompletionChunk>
  /** How many requests of a route ended with a status, by the server's own books. */
  counted(route: string, status: number): Promise<number>
  /** How many requests ended at all. */
  countedAll(): Promise<number>
  /**
   * Resolves when as many sockets are open in this process as before the server was used, nothing is in flight, and
   * the ledger balances: nothing has been leaked.
   */
  quiet(): Promise<Ledger>
  renewTls: SpillwayServer['renewTls']
  close(): Promise<void>
}

const metric = 'orchestrator_http_requests_total'

/** Starts a server that answers from one document with the echo model. */
export async function startOpenServer(options: Partial<ServerOptions> = {}): Promise<OpenServer> {
  const registry = new Registry()
  const worker = echo()
  const retriever = createSqliteRetriever({ path: ':memory:' })
  await retriever.add([{ source: 'dam.md', text: 'The reservoir is 40 metres deep.' }])
  const running = chatPipeline({ worker, retriever }).start({ registry })
  const server = createServer({ running, models: [worker.info], registry, ...options })
  const { port } = await server.listen({ port: 0 })
  const socketsBefore = openSockets()
  const values = async (): Promise<readonly { labels: Partial<Record<string, string | number>>; value: number }[]> =>
    (await registry.getSingleMetric(metric)!.get()).values
  return {
    port,
    running,
    async counted(route, status) {
      const found = (await values()).find(({ labels }) => labels['route'] === route && labels['status'] === status)
      return found?.value ?? 0
    },
    async countedAll() {
      return (await values()).reduce((sum, { value }) => sum + value, 0)
    },
    async quiet() {
      for (;;) {
        const ledger = running.ledger()
        if (ledger.inFlight === 0 && openSockets() <= socketsBefore) {
          const { submitted, completed, shed, failed, expired, cancelled } = ledger
          if (submitted === completed + shed + failed + expired + cancelled) return ledger
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
    renewTls: (tls) => {
      server.renewTls(tls)
    },
    async close() {
      await running.drain({ timeoutMs: 0 })
      await server.close({ graceMs: 0 })
      await retriever.close()
    },
  }
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length
}
