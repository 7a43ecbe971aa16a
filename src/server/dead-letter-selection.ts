import { z } from 'zod'
import { show } from '../../operators/index.ts'
import type { DeadLetterFilter } from '../stores/index.ts'
import { accepted, type Checked, refused } from './checked.ts'
import { badInput } from './refusal.ts'
import { schemaRefusal } from './schema-refusal.ts'

/** As many as a store takes, and a request may change, at a time. */
const most = 100

const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})$/

const moment = z
  .unknown()
  .transform((value, context) => {
    const ms = momentOf(value)
    if (ms !== undefined) return ms
    const expected = 'a time such as 2026-01-31T12:00:00Z, or milliseconds since 1970-01-01 UTC'
    context.addIssue({ code: 'custom', message: `must be ${expected}, got ${show(value)}`, input: value })
    return z.NEVER
  })
  .meta({ description: 'ISO 8601 with a zone, or milliseconds since 1970-01-01 UTC' })

const portion = z
  .unknown()
  .transform((value, context) => {
    const count = typeof value === 'string' && /^\d{1,4}$/.test(value) ? Number(value) : value
    if (typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= most) return count
    context.addIssue({
      code: 'custom',
      message: `must be a whole number from 1 to ${most}, got ${show(value)}`,
      input: value,
    })
    return z.NEVER
  })
  .meta({ description: `So many at the most, 1 … ${most}; default ${most}` })

const text = z.string().min(1)

const fields = {
  pipeline: text.exactOptional(),
  stage: text.exactOptional(),
  kind: z.enum(['shed', 'failed', 'expired']).exactOptional(),
  reason: text.exactOptional(),
  state: z.enum(['due', 'leased', 'dead']).exactOptional(),
  session: text.exactOptional(),
  from: moment.exactOptional(),
  to: moment.exactOptional(),
}

const page = { limit: portion.exactOptional(), cursor: text.exactOptional() }

/** What `GET /v1/dead-letters` takes as its query. */
export const listQuerySchema: z.ZodType = z.strictObject({ ...fields, ...page })

/** What `DELETE /v1/dead-letters` takes as its query: never everything, unless that is said. */
export const purgeQuerySchema: z.ZodType = z.strictObject({
  ...fields,
  ...page,
  all: z.literal('true').exactOptional(),
})

/** What `POST /v1/dead-letters/replay` takes as its body. */
export const replayBodySchema: z.ZodType = z.strictObject({
  ids: z.array(text).min(1).max(most).exactOptional(),
  filter: z.strictObject(fields).exactOptional(),
  all: z.literal(true).exactOptional(),
  ...page,
})

/** A part of the entries that fit. */
export interface LetterSelection {
  readonly filter: DeadLetterFilter
  readonly limit?: number
  readonly cursor?: string
}

type Fields = DeadLetterFilter & Omit<LetterSelection, 'filter'> & { readonly all?: unknown }

/** Which entries are to be listed. */
export function checkListQuery(query: unknown): Checked<LetterSelection> {
  const checked = listQuerySchema.safeParse(query, { reportInput: true })
  if (!checked.success) return refused(schemaRefusal(checked.error, 'the query is wrong', listQuerySchema))
  return accepted(selectionOf(checked.data as Fields))
}

/** Which entries are to be deleted. */
export function checkPurgeQuery(query: unknown): Checked<LetterSelection> {
  const checked = purgeQuerySchema.safeParse(query, { reportInput: true })
  if (!checked.success) return refused(schemaRefusal(checked.error, 'the query is wrong', purgeQuerySchema))
  const { all, ...rest } = checked.data as Fields
  const selection = selectionOf(rest)
  const isFiltered = Object.keys(selection.filter).length > 0
  if (isFiltered !== (all === undefined)) {
    const message = `the query must have a filter such as stage=inference, or all=true for everything, got ${isFiltered ? 'both' : 'neither'}`
    return refused(badInput('all', message))
  }
  return accepted(selection)
}

/** Which entries are to be replayed: those of these ids, or those that fit. */
export function checkReplayBody(body: unknown): Checked<{ readonly ids: readonly string[] } | LetterSelection> {
  const checked = replayBodySchema.safeParse(body, { reportInput: true })
  if (!checked.success) return refused(schemaRefusal(checked.error, 'the body must be an object', replayBodySchema))
  const { ids, filter, all, ...rest } = checked.data as Omit<LetterSelection, 'filter'> & ReplayFields
  const isFiltered = filter !== undefined && Object.keys(filter).length > 0
  const ways = [ids !== undefined ? 'ids' : '', isFiltered ? 'filter' : '', all === true ? 'all' : ''].filter(Boolean)
  if (ways.length !== 1) {
    const got = ways.length === 0 ? 'none of them' : ways.join(' and ')
    return refused(badInput('ids', `the body must have either ids, or a filter with a field, or all: true, got ${got}`))
  }
  return accepted(ids === undefined ? { filter: filter ?? {}, ...rest } : { ids })
}

interface ReplayFields {
  readonly ids?: readonly string[]
  readonly filter?: DeadLetterFilter
  readonly all?: true
}

function selectionOf({ limit, cursor, ...filter }: Fields): LetterSelection {
  return { filter, ...(limit !== undefined && { limit }), ...(cursor !== undefined && { cursor }) }
}

function momentOf(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? (/^\d{1,16}$/.test(value) ? Number(value) : timeOf(value)) : value
  return typeof ms === 'number' && ms >= 0 && Number.isFinite(ms) ? ms : undefined
}

function timeOf(value: string): number {
  return isoTime.test(value) ? Date.parse(value) : Number.NaN
}
