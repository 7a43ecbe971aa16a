export {
  type LifeOptions,
  RestartIntensityError,
  type SetupContext,
  StageCrash,
  type StageHealth,
  StageSetupError,
  StageStoppedError,
  StageTeardownError,
  StageUnhealthyError,
  type TeardownReason,
} from '../actors/index.ts'
export {
  ChannelClosedError,
  CircuitOpenError,
  type ErrorCode,
  OverflowError,
  shardOf,
  type ShedReason,
  SpillwayError,
} from '../operators/index.ts'
export { completionsPipeline, type CompletionsPipelineOptions, type TextRequest } from './completions-pipeline.ts'
export { embeddingsPipeline, type EmbeddingsPipelineOptions, type VectorsRequest } from './embeddings-pipeline.ts'
export type { GenerationParameters, ResponseFormat, ToolChoice, ToolDefinition } from './generation-parameters.ts'
export type { Handler, HandlerContext, ReplyOutput, StageOutput } from './handler.ts'
export type { Logger } from './logger.ts'
export type { LatencyHistogram } from './metrics/latency-histogram.ts'
export type { StageCounter } from './metrics/stage-counters.ts'
export type { StageMeter, TokenCounts } from './metrics/stage-meter.ts'
export {
  AlreadyConsumedError,
  CancelledError,
  DrainTimeoutError,
  ExpiredError,
  ShedError,
  StageError,
  StageTimeoutError,
  TopologyError,
} from './pipeline/errors.ts'
export type {
  Cancelled,
  Completed,
  Expired,
  ExpiryReason,
  Failed,
  Origin,
  Outcome,
  OutcomeKind,
  Shed,
  Timings,
} from './pipeline/outcome.ts'
export { type Pipeline, pipeline, type Topology } from './pipeline/pipeline.ts'
export type { RedriveBudgetOptions } from './pipeline/redrive/redrive-budget.ts'
export type { Redriven, RedriveOptions } from './pipeline/redrive/redrive-options.ts'
export type { Reply } from './pipeline/reply.ts'
export type { RequestSession } from './pipeline/request-session.ts'
export type {
  DeadLetterFigures,
  DrainReport,
  FittingHandler,
  LatencyFigures,
  Ledger,
  PipelineEvent,
  PipelineState,
  RedriveEnd,
  RedriveFigures,
  Running,
  StageControl,
  StageFigures,
  StageState,
  StageSwap,
  StageTypes,
} from './pipeline/running.ts'
export type { SessionOptions } from './pipeline/session-options.ts'
export type {
  StageDropLowest,
  StageDropOverShare,
  StageOptions,
  StageOverflow,
  StageSettings,
  StageSetupContext,
} from './pipeline/stage-options.ts'
export type { StageOverload } from './pipeline/stage-overload.ts'
export type { StageWait, WaitBackoff, WaitSettings } from './pipeline/stage-wait.ts'
export type { StageSupervisionOptions, StartOptions } from './pipeline/start-options.ts'
export type { ChatMessage, ChatRole, PromptRequest, ToolCall } from './prompt-request.ts'
export { chatPipeline, type ChatPipelineOptions, type ChatStage } from './preset.ts'
export { type OpenSource, pulled } from './pulled.ts'
export type { CustomRecogniser } from './redaction/custom-recogniser.ts'
export { redact } from './redaction/redact.ts'
export { redactedLogger } from './redaction/redacted-logger.ts'
export type { RedactionKind, RedactionMode, RedactionOptions } from './redaction/redaction-options.ts'
export { redactor, type RedactionCounter, type Redactor } from './redaction/redactor.ts'
export type { ChunkOptions } from './retrieval/chunk-limits.ts'
export type { Embedder } from './retrieval/embedder.ts'
export { type DocumentFollower, followDocuments, type FollowOptions } from './retrieval/follow-documents.ts'
export { indexDocuments } from './retrieval/index-documents.ts'
export type { IndexOptions } from './retrieval/index-options.ts'
export type { DocumentNote, IndexCounts, IndexProgress, IndexReport } from './retrieval/index-report.ts'
export type { LeftOut } from './retrieval/left-out.ts'
export type { RetrievedPrompt } from './retrieval/retrieved-prompt.ts'
export { RetrievalError } from './retrieval/retrieval-error.ts'
export type {
  DocumentIndex,
  DocumentMetadata,
  Passage,
  Retriever,
  SearchOptions,
  SourceDocument,
} from './retrieval/retriever.ts'
export { createSqliteRetriever, type SqliteRetrieverOptions } from './retrieval/sqlite-retriever.ts'
export { assemble, type AssembleOptions, defaultSystem, defaultTemplate } from './stages/assemble.ts'
export {
  type ContentFilterOptions,
  patternFilter,
  type PatternFilterOptions,
  wordFilter,
  type WordFilterOptions,
} from './stages/content-filter.ts'
export { PromptTooLongError } from './stages/prompt-too-long-error.ts'
export type { Spotlight } from './stages/spotlight.ts'
export {
  createTemplate,
  type PromptTemplate,
  type TemplateInput,
  type TemplateOptions,
  type TemplateVersion,
} from './template/prompt-template.ts'
export { createTemplateFile, type TemplateFile, type TemplateFileOptions } from './template/template-file.ts'
export type { TemplateLimits } from './template/sandbox-budget.ts'
export { TemplateError } from './template/template-error.ts'
export { infer, type InferStageOptions } from './stages/infer.ts'
export { type ChunkFilter, textFilter, type TextFilterOptions } from './stages/chunk-filter.ts'
export { InvalidAnswerError } from './stages/invalid-answer-error.ts'
export { type JsonOptions, post, type PostOptions } from './stages/post.ts'
export { retrieve, type RetrieveOptions } from './stages/retrieve.ts'
export { stream, type StreamStage } from './stages/stream.ts'
export type { FilterEnding, TextField, TextFilter } from './stages/text-filter.ts'
export type { DeadLetter, DeadLetterKind, DeadLetterWriter, PutResult } from './stores/dead-letter-store.ts'
export { InvalidPromptError } from './workers/invalid-prompt-error.ts'
export { WorkerError, type WorkerErrorDetails } from './workers/worker-error.ts'
export type { SessionStore, StoredSession } from './stores/session-store.ts'
export { StoreError, UnstorableError } from './stores/store-error.ts'
