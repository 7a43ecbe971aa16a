import type { Buffer } from 'node:buffer'
import { RedisScript } from './redis-script.ts'

/** What Redis may do with a script: run it when its memory is full, too, or only read. */
export type ScriptFlag = 'deny-oom' | 'allow-oom' | 'no-writes'

/** A script on one shard of dead letters, whose arguments have names. */
export interface LetterScript<Name extends string> {
  readonly script: RedisScript
  /** The arguments in order; what follows them is a list. */
  readonly argumentsOf: (
    values: Readonly<Record<Name, string | number | Buffer>>,
  ) => readonly (string | number | Buffer)[]
}

/**
 * What all scripts begin with. The key is that of the shard's counters; all others are within its hash tag. A script
 * is not rolled back: keys that it writes to are looked at before its first write.
 */
const prelude = `
local base = string.sub(KEYS[1], 1, -5)
local meta, all, leased, dead = KEYS[1], base .. 'all', base .. 'leased', base .. 'dead'
local done, pipelines = base .. 'done', base .. 'pipelines'

local function typeOf(key)
  return redis.call('TYPE', key).ok
end
local function expect(key, kind)
  local found = typeOf(key)
  if found ~= 'none' and found ~= kind then
    error({ err = 'WRONGTYPE ' .. key .. ' is a ' .. found .. ', expected a ' .. kind })
  end
end
expect(meta, 'hash')
expect(all, 'zset')
expect(leased, 'zset')
expect(dead, 'zset')
expect(done, 'zset')
expect(pipelines, 'set')

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function number(value)
  return string.format('%.17g', value)
end
local function entryKey(id)
  return base .. 'e:' .. id
end
local function dueKey(pipeline)
  return base .. 'due:' .. redis.sha1hex(pipeline)
end
local function fieldsOf(id, ...)
  local key = entryKey(id)
  if typeOf(key) == 'hash' then return redis.call('HMGET', key, ...) end
end
local function count(name, by)
  redis.call('HINCRBY', meta, name, by)
end
local function sizeOf(key)
  return redis.call('HSTRLEN', key, 'payload') + redis.call('HSTRLEN', key, 'error')
end
local function unlist(id, pipeline)
  redis.call('ZREM', all, id)
  redis.call('ZREM', leased, id)
  redis.call('ZREM', dead, id)
  redis.call('ZREM', dueKey(pipeline), id)
end
local function remove(id, pipeline, ending)
  expect(dueKey(pipeline), 'zset')
  count('bytes', -sizeOf(entryKey(id)))
  redis.call('DEL', entryKey(id))
  unlist(id, pipeline)
  count('live', -1)
  count(ending, 1)
end
local function makeDue(id, pipeline, at)
  expect(dueKey(pipeline), 'zset')
  redis.call('HSET', entryKey(id), 'state', 'due', 'stateAt', number(at))
  redis.call('HDEL', entryKey(id), 'token')
  redis.call('ZREM', leased, id)
  redis.call('ZREM', dead, id)
  redis.call('ZADD', dueKey(pipeline), number(at), id)
  redis.call('SADD', pipelines, pipeline)
end
local function kill(id, pipeline)
  expect(dueKey(pipeline), 'zset')
  redis.call('HSET', entryKey(id), 'state', 'dead', 'stateAt', number(now))
  redis.call('HDEL', entryKey(id), 'token')
  redis.call('ZREM', leased, id)
  redis.call('ZREM', dueKey(pipeline), id)
  redis.call('ZADD', dead, number(now), id)
  count('died', 1)
end
local function held(id, epoch, token)
  expect(entryKey(id), 'hash')
  local entry = redis.call('HMGET', entryKey(id), 'state', 'epoch', 'token', 'stateAt', 'pipeline', 'attempts')
  local same = entry[1] == 'leased' and entry[2] == epoch and entry[3] == token
  if same and tonumber(entry[4]) > now then return entry[5], tonumber(entry[6]) end
end
local function evict(maxDead)
  local over = redis.call('ZCARD', dead) - maxDead
  local evicted = 0
  if over > 0 then
    for _, id in ipairs(redis.call('ZRANGE', dead, 0, math.min(over, 100) - 1)) do
      local entry = fieldsOf(id, 'pipeline')
      if entry and entry[1] then
        remove(id, entry[1], 'evicted')
        evicted = evicted + 1
      else
        redis.call('ZREM', dead, id)
      end
    end
  end
  return evicted
end
local function expire(maxAgeMs)
  local expired, skipped = 0, 0
  local bound = '(' .. number(now - maxAgeMs)
  repeat
    local ids = redis.call('ZRANGEBYSCORE', all, '-inf', bound, 'LIMIT', skipped, 100 - expired)
    for _, id in ipairs(ids) do
      local entry = fieldsOf(id, 'state', 'pipeline')
      if entry and entry[2] and entry[1] ~= 'leased' then
        remove(id, entry[2], 'expired')
        expired = expired + 1
      else
        skipped = skipped + 1
      end
    end
  until #ids == 0 or expired == 100
  return expired
end
local function release(maxAttempts)
  local ids = redis.call('ZRANGEBYSCORE', leased, '-inf', number(now), 'LIMIT', 0, 100)
  for _, id in ipairs(ids) do
    local entry = fieldsOf(id, 'state', 'pipeline', 'attempts', 'stateAt')
    if not entry or entry[1] ~= 'leased' then
      redis.call('ZREM', leased, id)
    else
      expect(dueKey(entry[2]), 'zset')
      local key = entryKey(id)
      local before = sizeOf(key)
      redis.call('HDEL', key, 'error')
      count('bytes', sizeOf(key) - before)
      redis.call('HSET', key, 'kind', 'failed', 'reason', 'lease_over', 'lastSeenAt', entry[4])
      if tonumber(entry[3]) >= maxAttempts then
        kill(id, entry[2])
      else
        makeDue(id, entry[2], tonumber(entry[4]))
      end
    end
  end
  return #ids
end
`

/** @param code Lua, with a local variable of each of these names; the arguments behind them are read from `listFrom` on. */
export function letterScript<Name extends string>(
  flag: ScriptFlag,
  names: readonly Name[],
  code: string,
): LetterScript<Name> {
  const shebang = flag === 'deny-oom' ? '#!lua' : `#!lua flags=${flag}`
  const locals = names.map((name, at) => `local ${name} = ARGV[${at + 1}]\n`).join('')
  return {
    script: new RedisScript(`${shebang}\n${locals}local listFrom = ${names.length + 1}\n${prelude}${code}`),
    argumentsOf: (values) => names.map((name) => values[name]),
  }
}
