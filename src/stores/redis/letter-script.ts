import type { Buffer } from 'node:buffer'
import { letterFields } from './letter-fields.ts'
import { RedisScript } from './redis-script.ts'

/** What Redis may do with a script: run it when its memory is full, too, or only read. */
export type ScriptFlag = 'deny-oom' | 'allow-oom' | 'no-writes'

/** A script on one shard of dead letters, whose arguments have names. */
export interface LetterScript<Name extends string> {
  readonly script: RedisScript
  /** Whether several calls of it may be one; then it answers with a list of what it answers to each. */
  readonly isShared: boolean
  /** The arguments in order; what follows them is a list. */
  readonly argumentsOf: (
    values: Readonly<Record<Name, string | number | Buffer>>,
  ) => readonly (string | number | Buffer)[]
}

/** Of `letterFields`, where each stands in Lua. */
export const fieldAt: Readonly<Record<(typeof letterFields)[number], number>> = Object.fromEntries(
  letterFields.map((name, at) => [name, at + 1]),
) as Record<(typeof letterFields)[number], number>

/** All of them, as the arguments of a call in Lua. */
export const allFields: string = letterFields.map((name) => `'${name}'`).join(', ')

/**
 * What scripts share, by name; each has what it calls. A script is not rolled back: a key is read before it is written,
 * which refuses one of another type while nothing is changed.
 */
const parts: Readonly<Record<string, string>> = {
  // Another type than it should be.
  wrong: `
local function wrong(key, kind)
  error({ err = 'WRONGTYPE ' .. key .. ' is a ' .. redis.call('TYPE', key).ok .. ', expected a ' .. kind })
end`,
  hashOf: `
local function hashOf(key, ...)
  local fields = redis.pcall('HMGET', key, ...)
  if fields.err then wrong(key, 'hash') end
  return fields
end`,
  cardOf: `
local function cardOf(key)
  local card = redis.pcall('ZCARD', key)
  if type(card) == 'table' then wrong(key, 'zset') end
  return card
end`,
  // Looks once at a set, and at the counters, that are to be written: whether the set is empty.
  look: `
local function look(key)
  if looked[key] == nil then looked[key] = cardOf(key) == 0 end
  return looked[key]
end`,
  lookAtCounters: `
local function lookAtCounters()
  if not looked[meta] then hashOf(meta, 'live') end
  looked[meta] = true
end`,
  // When each of a list is due, was submitted, …; false where it is not in that set.
  scoresOf: `
local function scoresOf(key, ids)
  local scores = redis.pcall('ZMSCORE', key, unpack(ids))
  if scores.err then wrong(key, 'zset') end
  return scores
end`,
  count: `
local function count(name, by)
  redis.call('HINCRBY', meta, name, by)
end`,
  number: `
local function number(value)
  return string.format('%.17g', value)
end`,
  entryKey: `
local function entryKey(id)
  return base .. 'e:' .. id
end`,
  dueKey: `
local dueKeys = {}
local function dueKey(pipeline)
  local key = dueKeys[pipeline]
  if not key then
    key = base .. 'due:' .. redis.sha1hex(pipeline)
    dueKeys[pipeline] = key
  end
  return key
end`,
  setOf: `
local function setOf(state, pipeline)
  if state == 'leased' then return leased end
  if state == 'dead' then return dead end
  return dueKey(pipeline)
end`,
  // Of an entry of a list; nothing where it is gone, or its key is another's.
  fieldsOf: `
local function fieldsOf(id, ...)
  local fields = redis.pcall('HMGET', entryKey(id), ...)
  if not fields.err and fields[1] then return fields end
end`,
  register: `
local function register(pipeline)
  local known = redis.pcall('SISMEMBER', pipelines, pipeline)
  if type(known) == 'table' then wrong(pipelines, 'set') end
  if known == 0 then redis.call('SADD', pipelines, pipeline) end
end`,
  remove: `
local function remove(id, state, pipeline, size, ending)
  local own = setOf(state, pipeline)
  local counted = hashOf(meta, 'live', 'bytes', ending)
  look(own)
  redis.call('DEL', entryKey(id))
  redis.call('ZREM', all, id)
  redis.call('ZREM', own, id)
  local live, bytes = number((counted[1] or 0) - 1), number((counted[2] or 0) - (size or 0))
  redis.call('HSET', meta, 'live', live, 'bytes', bytes, ending, number((counted[3] or 0) + 1))
end`,
  // From one state to another; what changes of an entry otherwise comes behind.
  move: `
local function move(id, pipeline, from, to, at, ...)
  local old, own = setOf(from, pipeline), setOf(to, pipeline)
  look(old)
  if look(own) and to == 'due' then register(pipeline) end
  if to == 'dead' then
    lookAtCounters()
    count('died', 1)
  end
  redis.call('HSET', entryKey(id), 'state', to, 'stateAt', number(at), ...)
  redis.call('ZREM', old, id)
  redis.call('ZADD', own, number(at), id)
end`,
  // What there is of an entry to who has its lease; to others when it was acked under the same.
  held: `
local function held(id, epoch, token)
  local fields = hashOf(entryKey(id), 'state', 'epoch', 'token', 'stateAt', 'pipeline', 'attempts', 'size', 'digest')
  if fields[2] ~= epoch or fields[3] ~= token then return end
  if fields[1] == 'leased' and tonumber(fields[4]) > now then
    return { pipeline = fields[5], attempts = tonumber(fields[6]), size = tonumber(fields[7]), digest = fields[8] }
  end
  if fields[1] == 'done' then return nil, tonumber(fields[4]) end
end`,
  evict: `
local function evict(maxDead)
  local over = cardOf(dead) - maxDead
  local evicted = 0
  if over > 0 then
    for _, id in ipairs(redis.call('ZRANGE', dead, 0, math.min(over, 100) - 1)) do
      local fields = fieldsOf(id, 'pipeline', 'size')
      if fields then
        remove(id, 'dead', fields[1], fields[2], 'evicted')
        evicted = evicted + 1
      else
        redis.call('ZREM', dead, id)
      end
    end
  end
  return evicted
end`,
  expire: `
local function expire(maxAgeMs)
  local expired, skipped = 0, 0
  local bound = '(' .. number(now - maxAgeMs)
  repeat
    local ids = redis.pcall('ZRANGEBYSCORE', all, '-inf', bound, 'LIMIT', skipped, 100 - expired)
    if ids.err then wrong(all, 'zset') end
    for _, id in ipairs(ids) do
      local fields = fieldsOf(id, 'pipeline', 'state', 'size')
      if fields and fields[2] ~= 'leased' then
        remove(id, fields[2], fields[1], fields[3], 'expired')
        expired = expired + 1
      else
        skipped = skipped + 1
      end
    end
  until #ids == 0 or expired == 100
  return expired
end`,
  release: `
local function release(maxAttempts)
  local ids = redis.pcall('ZRANGEBYSCORE', leased, '-inf', number(now), 'LIMIT', 0, 100)
  if ids.err then wrong(leased, 'zset') end
  for _, id in ipairs(ids) do
    local fields = fieldsOf(id, 'pipeline', 'state', 'attempts', 'stateAt', 'size')
    if not fields or fields[2] ~= 'leased' then
      redis.call('ZREM', leased, id)
    else
      lookAtCounters()
      local to, at = 'due', tonumber(fields[4])
      if tonumber(fields[3]) >= maxAttempts then to, at = 'dead', now end
      local errorSize = redis.call('HSTRLEN', entryKey(id), 'error')
      move(id, fields[1], 'leased', to, at, 'token', '', 'failure', 'failed lease_over', 'lastSeenAt', fields[4],
        'size', (fields[5] or 0) - errorSize)
      redis.call('HDEL', entryKey(id), 'error')
      if errorSize > 0 then count('bytes', -errorSize) end
    end
  end
  return #ids
end`,
  // The sets of what is due, of all pipelines.
  allDues: `
local function allDues()
  local names = redis.pcall('SMEMBERS', pipelines)
  if names.err then wrong(pipelines, 'set') end
  local dues = {}
  for _, pipeline in ipairs(names) do dues[#dues + 1] = dueKey(pipeline) end
  return dues
end`,
}

/** The key is that of the shard's counters; all others are within its hash tag. */
const keyNames = `
local base = string.sub(KEYS[1], 1, -5)
local meta, all, leased, dead = KEYS[1], base .. 'all', base .. 'leased', base .. 'dead'
local done, pipelines = base .. 'done', base .. 'pipelines'
local looked = {}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/** The parts that some Lua calls, those first that others call: a script is no longer than it need be. */
function partsOf(code: string): string {
  const called = new Set<string>()
  const look = (lua: string): void => {
    for (const [, name = ''] of lua.matchAll(/(?<!function )\b(\w+)\(/g)) {
      if (called.has(name) || parts[name] === undefined) continue
      called.add(name)
      look(parts[name])
    }
  }
  look(code)
  return Object.keys(parts)
    .filter((name) => called.has(name))
    .map((name) => parts[name])
    .join('')
}

/** @param code Lua, with a local variable of each of these names; the arguments behind them begin at `listFrom`. */
export function letterScript<Name extends string>(
  flag: ScriptFlag,
  names: readonly Name[],
  code: string,
): LetterScript<Name> {
  const head = `${localsOf(names, '')}local listFrom = ${names.length + 1}`
  return scriptOf(flag, names, `${head}${keyNames}${partsOf(code)}\n${code}`, false)
}

/**
 * A script of which several calls may be one: their arguments stand one behind the other, and it answers with a list. What
 * one of them fails by is its own answer.
 *
 * @param code As in `letterScript`, for one call, whose answer it returns; there is no list.
 */
export function sharedLetterScript<Name extends string>(
  flag: ScriptFlag,
  names: readonly Name[],
  code: string,
): LetterScript<Name> {
  const lua = `${keyNames}${partsOf(code)}
local function one(from)
${localsOf(names, 'from + ')}${code}
end
local answers = {}
for from = 0, #ARGV - 1, ${names.length} do
  local done, answer = pcall(one, from)
  if not done and type(answer) ~= 'table' then answer = redis.error_reply(answer) end
  answers[#answers + 1] = answer
end
return answers
`
  return scriptOf(flag, names, lua, true)
}

function localsOf(names: readonly string[], from: string): string {
  return names.map((name, at) => `local ${name} = ARGV[${from}${at + 1}]\n`).join('')
}

function scriptOf<Name extends string>(
  flag: ScriptFlag,
  names: readonly Name[],
  lua: string,
  isShared: boolean,
): LetterScript<Name> {
  const shebang = flag === 'deny-oom' ? '#!lua' : `#!lua flags=${flag}`
  return {
    isShared,
    script: new RedisScript(`${shebang}\n${lua}`),
    argumentsOf: (values) => names.map((name) => values[name]),
  }
}
