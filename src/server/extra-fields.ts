import { isOwnField, mostExtra } from '../workers/check-fields.ts'
import { accepted, type Checked, refused } from './checked.ts'
import { cutName } from './cut-name.ts'
import { badInput } from './refusal.ts'

/**
 * The fields of a body that the server does not know: the model's own server may (vLLM's `top_k`, …), so that they
 * are passed on to it as they are. `null` counts as absent.
 *
 * @param known The names of the fields that the route reads.
 */
export function extraFields(
  body: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
): Checked<Readonly<Record<string, unknown>> | undefined> {
  const extra = Object.entries(body).filter(
    ([name, value]) => value != null && name !== '__proto__' && !known.has(name),
  )
  const [first = ''] = extra.find(([name]) => isOwnField(name)) ?? []
  if (first !== '') return refused(badInput(first, `${first} is not supported here`, 'unsupported_parameter'))
  if (extra.length > mostExtra) {
    const message = `the body must have at most ${mostExtra} fields that are only the model's, got ${extra.length}`
    return refused(badInput(cutName(extra[mostExtra]?.[0] ?? ''), message))
  }
  return accepted(extra.length === 0 ? undefined : Object.fromEntries(extra))
}
