import type { Buffer } from 'node:buffer'
import { nextTick } from 'node:process'
import { abortable } from './abortable.ts'
import type { RedisConnection, RedisReply } from './redis-connection.ts'
import type { RedisScript } from './redis-script.ts'

type Argument = string | number | Buffer

/** Calls of one script on the same keys, on their way together. */
interface Company {
  readonly args: Argument[]
  readonly calls: PromiseWithResolvers<RedisReply>[]
  bytes: number
}

/** So that one command holds up nobody for long. */
const mostCalls = 64
const mostBytes = 1_048_576

/**
 * Sends the calls of a shared script that are made in the same turn of the event loop as one command: what a script
 * costs by itself is then paid once. A call that fails fails alone; without an answer nobody knows what was done.
 */
export class SharedCalls {
  private readonly connection: RedisConnection
  /** Those that others may join, by script and keys. */
  private readonly open = new Map<string, Company>()

  constructor(connection: RedisConnection) {
    this.connection = connection
  }

  /** @throws StoreError as `connection.run`; the signal's reason once it aborts, while the call may go on. */
  async run(
    script: RedisScript,
    key: string,
    args: readonly Argument[],
    signal: AbortSignal | undefined,
  ): Promise<RedisReply> {
    signal?.throwIfAborted()
    const call = Promise.withResolvers<RedisReply>()
    const company = this.companyFor(script, key, bytesOf(args))
    company.args.push(...args)
    company.calls.push(call)
    return abortable(call.promise, signal)
  }

  private companyFor(script: RedisScript, key: string, bytes: number): Company {
    const name = `${script.sha} ${key}`
    const open = this.open.get(name)
    if (open !== undefined && open.calls.length < mostCalls && open.bytes + bytes <= mostBytes) {
      open.bytes += bytes
      return open
    }
    const company: Company = { args: [], calls: [], bytes }
    this.open.set(name, company)
    nextTick(() => {
      if (this.open.get(name) === company) this.open.delete(name)
      void this.send(script, key, company)
    })
    return company
  }

  private async send(script: RedisScript, key: string, { args, calls }: Company): Promise<void> {
    try {
      const answers = (await this.connection.run(script, [key], args)) as readonly (RedisReply | Error)[]
      for (const [at, call] of calls.entries()) {
        const answer = answers[at] as RedisReply | Error
        if (answer instanceof Error) call.reject(this.connection.failureOf(answer))
        else call.resolve(answer)
      }
    } catch (error) {
      for (const call of calls) call.reject(error)
    }
  }
}

function bytesOf(args: readonly Argument[]): number {
  return args.reduce<number>((sum, arg) => sum + (typeof arg === 'number' ? 8 : arg.length), 0)
}
