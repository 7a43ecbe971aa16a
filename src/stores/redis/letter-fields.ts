import { Buffer } from 'node:buffer'
import { messageOf } from '../../../operators/index.ts'
import type { DeadLetterFailure, DeadLetterKind, DeadLetterState, StoredDeadLetter } from '../dead-letter-store.ts'
import type { LetterCodec } from '../letter-codec.ts'
import { StoreError } from '../store-error.ts'
import type { RedisReply } from './redis-connection.ts'

/** Of an entry's hash, what is read, in the order in which it is answered. */
export const letterFields = [
  'schema',
  'submissionId',
  'pipeline',
  'stage',
  'failure',
  'error',
  'payload',
  'firstSeenAt',
  'lastSeenAt',
  'state',
  'stateAt',
  'attempts',
  'epoch',
  'replays',
  'token',
  'session',
  'size',
] as const

type Failure = Pick<DeadLetterFailure, 'kind' | 'reason'>

type Field = (typeof letterFields)[number]

/** An entry's hash as it was answered. */
export class LetterFields {
  private readonly values: readonly RedisReply[]

  constructor(reply: RedisReply) {
    this.values = (reply ?? []) as readonly RedisReply[]
  }

  /** Whether there was an entry, and not only the mark that it was acked. */
  get found(): boolean {
    return this.bytes('payload') !== undefined
  }

  bytes(field: Field): Buffer | undefined {
    return (this.values[letterFields.indexOf(field)] ?? undefined) as Buffer | undefined
  }

  text(field: Field): string {
    return this.bytes(field)?.toString() ?? ''
  }

  number(field: Field): number {
    return Number(this.text(field))
  }
}

/**
 * @param key The entry's key in the store.
 * @param schema The newest layout that can be read.
 */
export function readLetter(fields: LetterFields, key: string, codec: LetterCodec, schema: number): StoredDeadLetter {
  const known = {
    pipeline: fields.text('pipeline'),
    stage: fields.text('stage'),
    ...decodeFailure(fields.text('failure')),
    firstSeenAt: fields.number('firstSeenAt'),
    lastSeenAt: fields.number('lastSeenAt'),
    state: fields.text('state') as DeadLetterState,
    stateAt: fields.number('stateAt'),
    attempts: fields.number('attempts'),
    epoch: fields.number('epoch'),
    replays: fields.number('replays'),
  }
  const error = fields.bytes('error')
  try {
    const written = fields.number('schema')
    if (!(written <= schema)) {
      throw new StoreError(`it was written in layout ${fields.text('schema')}, this version reads ${schema}`)
    }
    return {
      ...codec.decode(fields.bytes('payload') ?? Buffer.of(), key),
      ...known,
      ...(error !== undefined && { error: codec.decodeError(error, key) }),
    }
  } catch (reason) {
    return {
      submissionId: decodeText(fields.text('submissionId')),
      id: '',
      request: undefined,
      ...known,
      unreadable: messageOf(reason),
    }
  }
}

/** How it ended, and why, as one field: a kind has no space. */
export function encodeFailure({ kind, reason }: Failure): string {
  return `${kind} ${reason}`
}

function decodeFailure(encoded: string): Failure {
  const at = encoded.indexOf(' ')
  return { kind: encoded.slice(0, at) as DeadLetterKind, reason: encoded.slice(at + 1) }
}

/** A text as bytes that keep every character, also those that UTF-8 has no bytes for. */
export function encodeText(text: string): string {
  return JSON.stringify(text)
}

function decodeText(encoded: string): string {
  return JSON.parse(encoded) as string
}
