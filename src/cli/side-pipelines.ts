import type { Registry } from 'prom-client'
import { completionsPipeline, type CompletionsPipelineOptions } from '../completions-pipeline.ts'
import { embeddingsPipeline } from '../embeddings-pipeline.ts'
import type { Logger } from '../logger.ts'
import type { ServedCompletions, ServedEmbeddings } from '../server/index.ts'
import type { ServeSettings } from './serve-settings.ts'

/** The pipelines beside the chat's, as far as the worker can do what they are for. */
export interface SidePipelines {
  readonly completions?: ServedCompletions
  readonly embeddings?: ServedEmbeddings
}

/** Starts them, with metrics by names of their own. */
export function startSidePipelines(
  chat: CompletionsPipelineOptions,
  { admission, scale }: ServeSettings,
  parts: { readonly logger: Logger; readonly registry: Registry },
): SidePipelines {
  const { worker, inferenceConcurrency = 16, inferenceTimeoutMs = 60_000 } = chat
  const start = (name: string): object => ({
    ...parts,
    logger: parts.logger.child({ pipeline: name }),
    admission,
    scale,
    metricsPrefix: `orchestrator_${name}_`,
  })
  const completions =
    worker.completeStream === undefined ? undefined : completionsPipeline(chat).start(start('completions'))
  const embeddings =
    worker.embed === undefined
      ? undefined
      : embeddingsPipeline({ worker, concurrency: inferenceConcurrency, timeoutMs: inferenceTimeoutMs }).start(
          start('embeddings'),
        )
  return {
    ...(completions !== undefined && { completions }),
    ...(embeddings !== undefined && { embeddings }),
  }
}
