import type { Buffer } from 'node:buffer'
import type { RedisConnection, RedisReply } from './redis-connection.ts'
import type { LetterScript } from './letter-script.ts'
import { SharedCalls } from './shared-calls.ts'

interface Cancellable {
  readonly signal?: AbortSignal
}

/** Of those who ask all shards, how many do so at a time. */
const asking = 8

/** The shards of dead letters in Redis, each with all its keys in one slot of a cluster. */
export class LetterShards {
  readonly connection: RedisConnection
  readonly count: number
  private readonly prefix: string
  private readonly shared: SharedCalls
  private free = asking
  private readonly line: (() => void)[] = []

  constructor(connection: RedisConnection, count: number, prefix: string) {
    this.connection = connection
    this.count = count
    this.prefix = prefix
    this.shared = new SharedCalls(connection)
  }

  get all(): readonly number[] {
    return Array.from({ length: this.count }, (_, shard) => shard)
  }

  /** Runs a script on one shard. */
  run<Name extends string>(
    shard: number,
    { script, argumentsOf, isShared }: LetterScript<Name>,
    values: Readonly<Record<Name, string | number | Buffer>>,
    { list = [], signal }: Cancellable & { readonly list?: readonly string[] } = {},
  ): Promise<RedisReply> {
    const key = `${this.prefix}:{q${shard}}:meta`
    const args = argumentsOf(values)
    if (isShared) return this.shared.run(script, key, args, signal)
    return this.connection.run(script, [key], [...args, ...list], signal ? { signal } : {})
  }

  /**
   * Asks each shard, a few callers at a time: many who look for entries at once would otherwise leave no room on the
   * connection for who puts one, keeps a lease or reads a session.
   */
  async each<T>(ask: (shard: number) => Promise<T>): Promise<readonly T[]> {
    if (this.free > 0) this.free -= 1
    else await new Promise<void>((resolve) => this.line.push(resolve))
    try {
      return await Promise.all(this.all.map(ask))
    } finally {
      const next = this.line.shift()
      if (next === undefined) this.free += 1
      else next()
    }
  }

  /** What the keys of all entries fit, for SCAN, which takes `*?[]\` for more than themselves. */
  get entryPattern(): string {
    return `${this.prefix.replace(/[*?[\]\\]/g, '\\$&')}:{q*}:e:*`
  }

  /** Of which shard an entry's key is, and its id; nothing, where it is another's. */
  entryOf(key: string): { readonly shard: number; readonly id: string } | undefined {
    const found = /^\{q(\d+)\}:e:([\w-]+)$/.exec(key.slice(this.prefix.length + 1))
    if (found === null) return undefined
    const [, shard = '', id = ''] = found
    return Number(shard) < this.count ? { shard: Number(shard), id } : undefined
  }

  /** Where it is written how many shards there are. */
  get countKey(): string {
    return `${this.prefix}:shards`
  }
}
