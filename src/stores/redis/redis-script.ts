import { createHash } from 'node:crypto'

/** A Lua script; Redis knows it by its digest once it has seen it. */
export class RedisScript {
  readonly source: string
  readonly sha: string

  constructor(source: string) {
    this.source = source
    this.sha = createHash('sha1').update(source).digest('hex')
  }
}
