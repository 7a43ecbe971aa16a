import { pino } from 'pino'
import { Counter, Registry } from 'prom-client'
import { systemClock } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import { chatPipeline } from '../preset.ts'
import { renewOnHangup } from './certificate-renewal.ts'
import { redactedLogger } from '../redaction/redacted-logger.ts'
import type { RedactionOptions } from '../redaction/redaction-options.ts'
import { redactor } from '../redaction/redactor.ts'
import { collectProcessMetrics, createServer, type ServerAddress, type SpillwayServer } from '../server/index.ts'
import { addressForms } from './base-url.ts'
import { chooseWorker } from './choose-worker.ts'
import { describeRedaction, redactionOptions } from './redaction-choice.ts'
import { openDocuments } from './open-documents.ts'
import { openFilters } from './open-filters.ts'
import { openStores } from './open-stores.ts'
import { openTemplate } from './open-template.ts'
import type { ServeSettings } from './serve-settings.ts'
import { startSidePipelines } from './side-pipelines.ts'
import { startLines } from './start-lines.ts'
import { stopSignal } from './stop-signals.ts'
import { readTls } from './tls-files.ts'

/**
 * Serves until the process is told to stop, then drains and reports. A pipeline that has failed does not end the
 * process: `/readyz` says so, and every request is told.
 *
 * @returns The exit code: 0 when every request that was in flight could be finished.
 * @throws Error saying what is wrong, where the server cannot start.
 */
export async function serve(settings: ServeSettings): Promise<number> {
  const output = pino({ level: settings.logLevel, base: null }, pino.destination({ dest: 2, sync: true }))
  const tls = settings.tls === undefined ? undefined : readTls(settings.tls)
  const registry = new Registry()
  collectProcessMetrics(registry)
  const redact = settings.redaction && { ...redactionOptions(settings.redaction), keep: addressesOf(settings) }
  const logger = redact === undefined ? output : redactedLog(output, redact, registry)
  const { worker, description, warning } = await chooseWorker(settings)
  // Before the documents, which may take a while: a bad template is told at once.
  const template = settings.template === undefined ? undefined : openTemplate(settings.template, logger)
  const { filters, description: filtering } = await openFilters(settings)
  const documents = await openDocuments(settings, logger)
  const { retriever } = documents
  const stores = openStores(settings, { logger, registry, clock: systemClock })
  const chat = chatPipeline({
    worker,
    ...(retriever !== undefined && { retriever }),
    ...(template !== undefined && { template }),
    ...(settings.maxPromptTokens !== undefined && { maxPromptTokens: settings.maxPromptTokens }),
    ...(redact !== undefined && { redact }),
    filters,
    inferenceConcurrency: settings.inferenceConcurrency,
    inferenceTimeoutMs: settings.inferenceTimeoutMs,
    ...(settings.deadLetters !== undefined && { deadLetter: settings.deadLetters.kinds }),
  })
  const running = chat.start({
    logger: logger.child({ pipeline: 'chat' }),
    registry,
    admission: settings.admission,
    scale: settings.scale,
    ...(stores.deadLetters !== undefined && { deadLetters: stores.deadLetters }),
    ...(stores.redrive !== undefined && { redrive: stores.redrive }),
    ...(stores.sessions !== undefined && { sessions: stores.sessions }),
  })
  const { inferenceConcurrency, inferenceTimeoutMs } = settings
  const likeChat = {
    worker,
    ...(redact !== undefined && { redact }),
    filters,
    inferenceConcurrency,
    inferenceTimeoutMs,
  }
  const sides = startSidePipelines(likeChat, settings, { logger, registry })
  const pipelines = [running, sides.completions, sides.embeddings].filter((each) => each !== undefined)
  const server = createServer({
    running,
    ...sides,
    ...(stores.deadLetters !== undefined && { deadLetters: stores.deadLetters }),
    ...(stores.sessions !== undefined && { sessions: stores.sessions.store }),
    models: [worker.info],
    topology: chat.topology,
    logger,
    registry,
    limits: settings.limits,
    corsOrigins: settings.corsOrigins,
    allowedHosts: settings.allowedHosts,
    ...(tls !== undefined && { tls }),
    ...(settings.apiKeys !== undefined && { apiKey: settings.apiKeys }),
    ...(settings.deadlineMs !== undefined && { deadlineMs: settings.deadlineMs }),
  })
  const release = async (): Promise<void> => {
    template?.close()
    await Promise.all([server.close(), documents.close(), worker.close()])
    await stores.close()
  }

  let address: ServerAddress
  try {
    address = await listen(server, settings)
  } catch (error) {
    // Nothing was ever in flight: the error is all that there is to say.
    output.level = 'silent'
    await Promise.all(pipelines.map(async (each) => each.drain({ timeoutMs: 0 })))
    await release()
    throw error
  }
  const stopping = stopSignal(process, systemClock, (signal) => {
    const inFlight = pipelines.reduce((sum, each) => sum + each.ledger().inFlight, 0)
    logger.warn({ signal, inFlight }, 'stopped at once: the requests in flight are cut off')
  })
  console.log(
    startLines({
      ...address,
      secure: tls !== undefined,
      worker: description,
      documents: documents.description,
      template: settings.template === undefined ? 'built in' : `${settings.template} (followed)`,
      stores: [...stores.descriptions, documents.store],
      filters: filtering,
      redaction: describeRedaction(settings.redaction),
      apiKeys: settings.apiKeys?.length ?? 0,
    }),
  )
  if (warning !== undefined) logger.warn({}, warning)

  if (settings.tls !== undefined && tls !== undefined) renewOnHangup(server, settings.tls, tls, logger)

  const signal = await stopping
  const { drainTimeoutMs } = settings
  console.log(
    `${signal}: draining for at most ${drainTimeoutMs} ms; another signal stops at once, but ${signal} within a second ` +
      'counts as the same one, because npm passes it on',
  )
  const reports = await Promise.all(pipelines.map(async (each) => each.drain({ timeoutMs: drainTimeoutMs })))
  await release()
  for (const [index, each] of pipelines.entries()) {
    const [drained, ledger] =
      each === running ? ['Drained', 'Ledger'] : [`Drained ${each.name}`, `Ledger of ${each.name}`]
    console.log(`${drained}: ${JSON.stringify(reports[index])}`)
    console.log(`${ledger}: ${JSON.stringify(each.ledger())}`)
  }
  const allDone = reports.every(({ timedOut }) => timedOut === 0) && pipelines.every(({ state }) => state === 'stopped')
  return allDone ? 0 : 1
}

/** Where the models are: whoever runs the server has said so, and has to read in the log what is wrong there. */
function addressesOf({ endpoint, embedding }: ServeSettings): readonly string[] {
  return [endpoint, embedding].flatMap((each) => (each === undefined ? [] : addressForms(each.baseUrl)))
}

/** What every part of the process logs to: the one place that log lines pass. */
function redactedLog(output: Logger, options: RedactionOptions, registry: Registry): Logger {
  const redactions = new Counter({
    name: 'orchestrator_log_redactions_total',
    help: 'Personal data taken out of log lines, by kind.',
    labelNames: ['kind'],
    registers: [registry],
  })
  return redactedLogger(output, redactor(options), (kind) => redactions.inc({ kind }))
}

async function listen(server: SpillwayServer, { host, port }: ServeSettings): Promise<ServerAddress> {
  try {
    return await server.listen({ host, port })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const sentence = obstacles[code ?? '']
    if (sentence === undefined) throw error
    throw new Error(`cannot listen on ${host}, port ${port}: ${sentence}`, { cause: error })
  }
}

const obstacles: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use; stop what listens there, or choose another with --port',
  EACCES: 'this user may not use the port; choose one above 1023 with --port',
  EADDRNOTAVAIL: 'this machine does not have the address; choose another with --host',
  ENOTFOUND: 'there is no such host; choose another with --host',
}
