import { RedisScript } from './redis-script.ts'

/** The layout of a session's hash that this version writes; it reads no other one. */
const sessionSchema = 1

/**
 * What all scripts begin with: `session` is the one of the key, by the time of Redis, or nothing. Its time is also told
 * by when it was made, so that it ends although its key has lost its own. Lua would write large numbers as floats.
 */
const prelude = `
local key, ttlMs, maxAgeMs = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local kind = redis.call('TYPE', key).ok
if kind ~= 'none' and kind ~= 'hash' then
  error({ err = 'WRONGTYPE ' .. key .. ' is a ' .. kind .. ', expected a hash' })
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function whole(number)
  return string.format('%.0f', number)
end
local function damaged()
  error({ err = 'DAMAGED ' .. key .. ' has lost a field' })
end
local function load()
  if kind == 'none' then return end
  local fields = redis.call('HMGET', key, 'schema', 'version', 'created', 'updated', 'digest')
  if fields[1] ~= '${sessionSchema}' then
    error({ err = 'SCHEMA ' .. key .. ' has schema ' .. tostring(fields[1]) .. ', expected ${sessionSchema}' })
  end
  local session = {
    version = tonumber(fields[2] or ''),
    created = tonumber(fields[3] or ''),
    updated = fields[4],
    digest = fields[5],
  }
  if not (session.version and session.created and session.updated and session.digest) then damaged() end
  if session.created + maxAgeMs > now then return session end
end
local function begin(created)
  redis.call('PEXPIREAT', key, whole(math.min(now + ttlMs, created + maxAgeMs)))
end
`

/** A full server can still be read and cleared. */
const allowOom = '#!lua flags=allow-oom'

/** Makes the session's time begin anew; its version, when it was updated, and what it holds. */
export const getScript: RedisScript = new RedisScript(`${allowOom}
${prelude}
local session = load()
if not session then return false end
local data = redis.call('HGET', key, 'data')
if not data then damaged() end
begin(session.created)
return { session.version, session.updated, data }
`)

/** Makes the session's time begin anew; 0 where there is none. */
export const touchScript: RedisScript = new RedisScript(`${allowOom}
${prelude}
local session = load()
if not session then return 0 end
begin(session.created)
return 1
`)

/** Stores a state, if the version is the expected one: compare and set. */
export const updateScript: RedisScript = new RedisScript(`#!lua
${prelude}
local expected, digest, data = tonumber(ARGV[3]), ARGV[4], ARGV[5]
local session = load()
local version = session and session.version or 0
if session and version == expected + 1 and session.digest == digest then
  begin(session.created)
  return 'ok'
end
if version ~= expected then return 'conflict' end
local created = session and session.created or now
redis.call('HSET', key, 'schema', ${sessionSchema}, 'version', whole(version + 1), 'created', whole(created),
  'updated', whole(now), 'digest', digest, 'data', data)
begin(created)
return 'ok'
`)

/** Deletes what is there, also what cannot be read; 0 where there is none. */
export const deleteScript: RedisScript = new RedisScript(`${allowOom}
${prelude}
local created = kind == 'hash' and tonumber(redis.call('HGET', key, 'created') or '') or nil
local found = redis.call('DEL', key)
if created and created + maxAgeMs <= now then return 0 end
return found
`)
