import { messageOf } from '../../operators/index.ts'
import { discoverModels, echo, type ModelWorker, openai } from '../workers/index.ts'
import type { ServeSettings } from './serve-settings.ts'

/** A worker and what to tell the user of it. */
export interface ChosenWorker {
  readonly worker: ModelWorker
  readonly description: string
  /** Why it may not work. */
  readonly warning?: string
}

/**
 * The worker that the settings ask for: the models behind an endpoint, or the echo model.
 *
 * A model that is named may come later than the server: the server starts and warns. Where none is named, the
 * endpoint must be there to say what it has.
 *
 * @throws Error saying what to do, where an endpoint was to name its models and did not.
 */
export async function chooseWorker({ endpoint, echoDelayMs }: ServeSettings): Promise<ChosenWorker> {
  if (endpoint === undefined) {
    const slow = echoDelayMs === 0 ? '' : `, word by word over ${echoDelayMs} ms`
    const description = `echo (built in: answers with the assembled prompt${slow}; OPENAI_BASE_URL names a real one)`
    return { worker: echo({ answerMs: echoDelayMs }), description }
  }
  const { baseUrl, apiKey, model } = endpoint
  const access = { baseUrl, ...(apiKey !== undefined && { apiKey }) }
  if (model === undefined) {
    const models = await modelsOf(access)
    return { worker: openai({ ...access, models }), description: `${list(models)} at ${baseUrl}` }
  }
  const worker = openai({ ...access, model })
  const health = await worker.health()
  return {
    worker,
    description: `${model} at ${baseUrl}`,
    ...(!health.healthy && {
      warning: `the model does not answer yet, requests will fail until it does: ${health.reason}`,
    }),
  }
}

async function modelsOf(access: { readonly baseUrl: string; readonly apiKey?: string }): Promise<readonly string[]> {
  const advice = 'start the server of the model first, or name the model with --model'
  let models: readonly string[]
  try {
    models = await discoverModels(access)
  } catch (error) {
    const reason = messageOf(error)
    throw new Error(`OPENAI_BASE_URL does not tell which models it has: ${reason}; ${advice}`, { cause: error })
  }
  if (models.length === 0) throw new Error(`${access.baseUrl} has no list of models; name the model with --model`)
  return models
}

function list(models: readonly string[]): string {
  const [first = '', ...others] = models
  return others.length === 0 ? first : `${first} (and ${others.length} more)`
}
