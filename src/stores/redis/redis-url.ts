import { show } from '../../../operators/index.ts'

/** Where Redis is, and as whom to ask it. */
export interface RedisTarget {
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  readonly cluster: boolean
  readonly tls: boolean
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number
  /** For messages: the hosts and ports, without the password. */
  readonly name: string
}

/**
 * @param url Of a server, `redis[s]://[[user]:password@]host[:port][/database]`, or in a list of nodes of a cluster.
 * @throws TypeError or RangeError that never shows a password.
 */
export function parseRedisUrl(url: string | readonly string[]): RedisTarget {
  const cluster = Array.isArray(url)
  const urls = (cluster ? url : [url]).map(parseOne)
  const [first] = urls
  if (first === undefined) throw new RangeError('url must name one node of the cluster at least, got an empty list')
  for (const other of urls) {
    if (['username', 'password', 'protocol'].some((part) => other[part as 'username'] !== first[part as 'username'])) {
      throw new RangeError('url must have the same protocol, user and password for all nodes of a cluster')
    }
  }
  const database = first.pathname.slice(1)
  if (!/^\d*$/.test(database) || (cluster && Number(database) !== 0)) {
    throw new RangeError(
      `url must end with the number of a database${cluster ? ', 0 in a cluster' : ''}, got ${show(database)}`,
    )
  }
  const nodes = urls.map(({ hostname, port }) => ({
    // Brackets are how a URL writes an address of IPv6.
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? 6379 : Number(port),
  }))
  return {
    nodes,
    cluster,
    tls: first.protocol === 'rediss:',
    username: decoded(first.username),
    password: decoded(first.password),
    db: Number(database),
    name: nodes.map(({ host, port }) => `${host}:${port}`).join(','),
  }
}

function parseOne(text: unknown): URL {
  const expected = 'url must be redis://host:port or rediss://host:port'
  if (typeof text !== 'string') throw new TypeError(`${expected}, got ${show(text)}`)
  const url = URL.parse(text)
  // The text is not shown: it may have a password in it.
  if (url === null || url.hostname === '') throw new RangeError(`${expected}, got something else`)
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw new RangeError(`${expected}, got one that begins with ${url.protocol}`)
  }
  if (url.search !== '' || url.hash !== '') throw new RangeError(`${expected}, got one with a query or a fragment`)
  return url
}

function decoded(part: string): string | undefined {
  if (part === '') return undefined
  try {
    return decodeURIComponent(part)
  } catch {
    throw new RangeError('url must have its user and password percent-encoded, as in p%40ss for p@ss')
  }
}
