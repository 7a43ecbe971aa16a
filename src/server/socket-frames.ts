import { show } from '../../operators/index.ts'
import type { CompletionChunk } from '../workers/model-worker.ts'
import { accepted, type Checked, refused } from './checked.ts'
import { cutName } from './cut-name.ts'
import { presentable } from './exchange.ts'
import type { OutcomeBody } from './outcome-body.ts'
import { badInput, type Refusal } from './refusal.ts'

/** What a client says on a WebSocket. */
export type ClientFrame =
  | { readonly type: 'submit'; readonly id: string; readonly request: unknown }
  | { readonly type: 'cancel'; readonly id: string }

/**
 * What the server says. A `submit` is answered by any number of `chunks` and one `outcome`, or by one `error`; an
 * `error` refuses the frame that caused it and ends nothing. Before the server closes the connection it tells the
 * outcome of whatever still ran on it.
 */
export type ServerFrame =
  | { readonly type: 'chunks'; readonly id: string; readonly chunks: readonly CompletionChunk[] }
  | { readonly type: 'outcome'; readonly id: string; readonly outcome: OutcomeBody }
  | {
      readonly type: 'error'
      /** The id of the frame that is refused; absent where it could not be read. */
      readonly id?: string
      readonly error: Pick<Refusal, 'status' | 'code' | 'message' | 'param'>
    }

const fields: Readonly<Record<ClientFrame['type'], readonly string[]>> = {
  submit: ['type', 'id', 'request'],
  cancel: ['type', 'id'],
}

/** The id that a frame gives, whatever else is wrong with it. */
export function frameId(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('id' in value)) return undefined
  return typeof value.id === 'string' && presentable.test(value.id) ? value.id : undefined
}

/** Checks what a client's frame holds. */
export function checkFrame(value: unknown): Checked<ClientFrame> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refused(badInput(null, `the frame must be a JSON object, got ${show(value)}`, 'invalid_type'))
  }
  const { type, id } = value as { readonly type?: unknown; readonly id?: unknown }
  if (type !== 'submit' && type !== 'cancel') {
    return refused(badInput('type', `type must be "submit" or "cancel", got ${show(type)}`))
  }
  if (frameId(value) === undefined) {
    return refused(badInput('id', `id must be 1 to 128 visible ASCII characters, got ${show(id)}`))
  }
  const unknown = Object.keys(value).find((field) => !fields[type].includes(field))
  if (unknown !== undefined) {
    const name = cutName(unknown)
    return refused(badInput(name, `${name} is not a known field of a ${type} frame`, 'unknown_parameter'))
  }
  return accepted(value as ClientFrame)
}
