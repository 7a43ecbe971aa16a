export { createServer, type ServerAddress, type ServerOptions, type SpillwayServer } from './create-server.ts'
export type { ServerLimits } from './limits.ts'
export { collectProcessMetrics } from './process-metrics.ts'
export type { ServedCompletions, ServedEmbeddings, ServedPipeline } from './server-context.ts'
