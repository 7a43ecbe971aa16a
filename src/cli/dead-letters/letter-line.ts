import { z } from 'zod'
import { messageOf, show } from '../../../operators/index.ts'
import { schemaRefusal } from '../../server/schema-refusal.ts'
import type { DeadLetter, DeadLetterState } from '../../stores/index.ts'

const text = z.string().min(1)
const moment = z.number().min(0)

/** What must be there; what a store adds (`attempts`, `epoch` …) is its own and begins anew. */
const schema = z.looseObject({
  submissionId: text,
  id: z.string(),
  pipeline: text,
  stage: text,
  kind: z.enum(['shed', 'failed', 'expired']),
  reason: text,
  error: z.string().exactOptional(),
  session: z.string().exactOptional(),
  firstSeenAt: moment,
  lastSeenAt: moment,
  state: z.enum(['due', 'leased', 'dead']).exactOptional(),
})

/** An entry as a line of JSON says it. */
export interface LetterLine {
  readonly letter: DeadLetter
  /** Default `due`. */
  readonly state: DeadLetterState
}

/** Reads a line that `export` has written. Throws a RangeError that says what is wrong with it. */
export function parseLetterLine(line: string): LetterLine {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    // The parser's own message may quote the request.
    const place = /at position \d+/.exec(messageOf(error))?.[0]
    const where = place === undefined ? '' : `: what is wrong is ${place}`
    throw new RangeError(`it must be a JSON object in one line${where}`, { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RangeError(`it must be a JSON object, got ${show(value)}`)
  }
  const checked = schema.safeParse(value, { reportInput: true })
  if (!checked.success) throw new RangeError(schemaRefusal(checked.error, 'it must be an entry').message)
  const { submissionId, id, pipeline, stage, kind, reason, error, session, firstSeenAt, lastSeenAt, state } =
    checked.data
  if (!Object.hasOwn(checked.data, 'request')) throw new RangeError('request is required: what is to be run again')
  const letter = {
    submissionId,
    id,
    pipeline,
    stage,
    kind,
    reason,
    ...(error !== undefined && { error: error.slice(0, 1024) }),
    ...(session !== undefined && { session }),
    request: checked.data['request'],
    firstSeenAt,
    lastSeenAt,
  }
  return { letter, state: state ?? 'due' }
}
