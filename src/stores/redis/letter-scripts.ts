import { letterFields } from './letter-fields.ts'
import { letterScript, type LetterScript } from './letter-script.ts'

/** The layout of entries that this version writes; it reads no newer one. */
export const letterSchema = 1

/** Bytes of requests that one answer carries at the most, unless a single one is larger: 4 MiB. */
export const answerBytes = 4_194_304

const allFields = letterFields.map((name) => `'${name}'`).join(', ')

export const putScript: LetterScript<
  | ('id' | 'digest' | 'payload' | 'err' | 'submissionId' | 'pipeline' | 'session' | 'stage' | 'kind' | 'reason')
  | ('firstSeenAt' | 'lastSeenAt' | 'state' | 'maxEntries' | 'maxDead' | 'maxBytes' | 'maxAgeMs' | 'doneWindowMs')
> = letterScript(
  'deny-oom',
  [
    ...(['id', 'digest', 'payload', 'err', 'submissionId', 'pipeline', 'session', 'stage', 'kind', 'reason'] as const),
    ...(['firstSeenAt', 'lastSeenAt', 'state', 'maxEntries', 'maxDead', 'maxBytes', 'maxAgeMs'] as const),
    'doneWindowMs',
  ],
  `
local key = entryKey(id)
expect(key, 'hash')
expect(dueKey(pipeline), 'zset')
local expired = expire(tonumber(maxAgeMs))
local known = redis.call('HMGET', key, 'digest', 'state', 'stateAt')
local over = known[2] == 'done' and tonumber(known[3]) <= now - doneWindowMs
if known[2] and not over then
  if known[1] == digest then return 'duplicate' end
  return 'conflict'
end
local size = #payload + #err
local bytes = tonumber(redis.call('HGET', meta, 'bytes') or 0)
if redis.call('ZCARD', all) >= tonumber(maxEntries) or bytes + size > tonumber(maxBytes) then
  if expired == 100 then return 'again' end
  count('rejected', 1)
  return 'full'
end
if over then
  redis.call('DEL', key)
  redis.call('ZREM', done, id)
end
redis.call('HSET', key, 'schema', ${letterSchema}, 'state', state, 'stateAt', number(now), 'submissionId', submissionId,
  'pipeline', pipeline, 'stage', stage, 'kind', kind, 'reason', reason, 'firstSeenAt', firstSeenAt,
  'lastSeenAt', lastSeenAt, 'attempts', 0, 'epoch', 0, 'replays', 0, 'digest', digest, 'payload', payload)
if err ~= '' then redis.call('HSET', key, 'error', err) end
if session ~= '' then redis.call('HSET', key, 'session', session) end
redis.call('ZADD', all, firstSeenAt, id)
if state == 'dead' then
  redis.call('ZADD', dead, number(now), id)
else
  redis.call('ZADD', dueKey(pipeline), number(now), id)
  redis.call('SADD', pipelines, pipeline)
end
count('live', 1)
count('bytes', size)
count('stored', 1)
evict(tonumber(maxDead))
return 'stored'
`,
)

/** Where there is something to claim: when it was due, the soonest first, and whether there is something to clear. */
export const peekScript: LetterScript<'pipeline' | 'limit' | 'maxAgeMs'> = letterScript(
  'no-writes',
  ['pipeline', 'limit', 'maxAgeMs'],
  `
local due = redis.call('ZRANGEBYSCORE', dueKey(pipeline), '-inf', number(now), 'WITHSCORES', 'LIMIT', 0, limit)
local over = redis.call('ZRANGEBYSCORE', leased, '-inf', number(now), 'WITHSCORES', 'LIMIT', 0, limit)
local old = redis.call('ZCOUNT', all, '-inf', '(' .. number(now - maxAgeMs))
local times = {}
for _, found in ipairs({ due, over }) do
  for at = 2, #found, 2 do times[#times + 1] = found[at] end
end
return { times, math.min(#over + old, 1) }
`,
)

/** Leases entries; answers with where the next call goes on, or -1, and what it leased. */
export const claimScript: LetterScript<
  ('pipeline' | 'limit' | 'leaseMs' | 'perSession' | 'token' | 'skip') | ('maxAttempts' | 'maxAgeMs' | 'maxDead')
> = letterScript(
  'allow-oom',
  ['pipeline', 'limit', 'leaseMs', 'perSession', 'token', 'skip', 'maxAttempts', 'maxAgeMs', 'maxDead'],
  `
local due = dueKey(pipeline)
expect(due, 'zset')
release(tonumber(maxAttempts))
expire(tonumber(maxAgeMs))
evict(tonumber(maxDead))

local leasedOf
local function mayLease(session)
  if not session or perSession == '' then return true end
  if not leasedOf then
    leasedOf = {}
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', leased, '(' .. number(now), '+inf')) do
      local entry = fieldsOf(id, 'session')
      if entry and entry[1] then leasedOf[entry[1]] = (leasedOf[entry[1]] or 0) + 1 end
    end
  end
  local others = leasedOf[session] or 0
  if others >= tonumber(perSession) then return false end
  leasedOf[session] = others + 1
  return true
end

local claimed, bytes, seen = {}, 0, 0
local ends = number(now + leaseMs)
skip = tonumber(skip)
limit = tonumber(limit)
while #claimed < limit do
  local found = redis.call('ZRANGEBYSCORE', due, '-inf', number(now), 'WITHSCORES', 'LIMIT', skip, 100)
  if #found == 0 then return { -1, claimed } end
  for at = 1, #found, 2 do
    local id = found[at]
    local entry = fieldsOf(id, 'schema', 'session', 'firstSeenAt', 'state')
    seen = seen + 1
    if not entry or entry[4] ~= 'due' then
      redis.call('ZREM', due, id)
    elseif tonumber(entry[1]) > ${letterSchema} then
      kill(id, pipeline)
    elseif tonumber(entry[3]) < now - maxAgeMs or not mayLease(entry[2]) then
      skip = skip + 1
    else
      local key = entryKey(id)
      redis.call('HINCRBY', key, 'attempts', 1)
      redis.call('HINCRBY', key, 'epoch', 1)
      redis.call('HSET', key, 'state', 'leased', 'stateAt', ends, 'token', token .. #claimed)
      redis.call('ZREM', due, id)
      redis.call('ZADD', leased, ends, id)
      bytes = bytes + sizeOf(key)
      claimed[#claimed + 1] = { found[at + 1], id, redis.call('HMGET', key, ${allFields}) }
      if #claimed == limit or bytes > ${answerBytes} then return { skip, claimed } end
    end
  end
  if seen >= 1000 then return { skip, claimed } end
end
return { skip, claimed }
`,
)

export const ackScript: LetterScript<'id' | 'epoch' | 'token' | 'doneWindowMs' | 'maxDone'> = letterScript(
  'allow-oom',
  ['id', 'epoch', 'token', 'doneWindowMs', 'maxDone'],
  `
local key = entryKey(id)
local pipeline = held(id, epoch, token)
if not pipeline then
  local known = redis.call('HMGET', key, 'state', 'epoch', 'token', 'stateAt')
  local same = known[1] == 'done' and known[2] == epoch and known[3] == token
  if same and tonumber(known[4]) > now - doneWindowMs then return 'acked' end
  return 'fenced'
end
local digest = redis.call('HGET', key, 'digest')
remove(id, pipeline, 'acked')
if tonumber(maxDone) > 0 and tonumber(doneWindowMs) > 0 then
  redis.call('HSET', key, 'state', 'done', 'stateAt', number(now), 'epoch', epoch, 'token', token, 'digest', digest)
  -- Should it be lost from the set, it does not stay for ever.
  redis.call('PEXPIRE', key, number(math.min(math.ceil(doneWindowMs), 1e15)))
  redis.call('ZADD', done, number(now), id)
end
redis.call('ZREMRANGEBYSCORE', done, '-inf', number(now - doneWindowMs))
local over = redis.call('ZCARD', done) - maxDone
if over > 0 then
  for _, oldest in ipairs(redis.call('ZRANGE', done, 0, math.min(over, 100) - 1)) do
    redis.call('ZREM', done, oldest)
    local known = fieldsOf(oldest, 'state')
    if known and known[1] == 'done' then redis.call('DEL', entryKey(oldest)) end
  end
end
return 'acked'
`,
)

export const failScript: LetterScript<
  ('id' | 'epoch' | 'token' | 'stage' | 'kind' | 'reason' | 'err') | ('retryInMs' | 'final' | 'maxAttempts' | 'maxDead')
> = letterScript(
  'allow-oom',
  ['id', 'epoch', 'token', 'stage', 'kind', 'reason', 'err', 'retryInMs', 'final', 'maxAttempts', 'maxDead'],
  `
local pipeline, attempts = held(id, epoch, token)
if not pipeline then return 'fenced' end
expect(dueKey(pipeline), 'zset')
local key = entryKey(id)
local before = sizeOf(key)
redis.call('HSET', key, 'stage', stage, 'kind', kind, 'reason', reason, 'lastSeenAt', number(now))
if err == '' then redis.call('HDEL', key, 'error') else redis.call('HSET', key, 'error', err) end
count('bytes', sizeOf(key) - before)
if final == '1' or attempts >= tonumber(maxAttempts) then
  kill(id, pipeline)
  evict(tonumber(maxDead))
  return 'dead'
end
makeDue(id, pipeline, now + retryInMs)
return 'due'
`,
)

/** Gives up an entry that cannot be read. */
export const buryScript: LetterScript<'id' | 'epoch' | 'token' | 'maxDead'> = letterScript(
  'allow-oom',
  ['id', 'epoch', 'token', 'maxDead'],
  `
local pipeline = held(id, epoch, token)
if not pipeline then return 'fenced' end
kill(id, pipeline)
evict(tonumber(maxDead))
return 'dead'
`,
)

export const deferScript: LetterScript<'id' | 'epoch' | 'token' | 'retryInMs'> = letterScript(
  'allow-oom',
  ['id', 'epoch', 'token', 'retryInMs'],
  `
local pipeline = held(id, epoch, token)
if not pipeline then return 'fenced' end
makeDue(id, pipeline, now + retryInMs)
redis.call('HINCRBY', entryKey(id), 'attempts', -1)
return 'due'
`,
)

export const extendScript: LetterScript<'id' | 'epoch' | 'token' | 'leaseMs'> = letterScript(
  'allow-oom',
  ['id', 'epoch', 'token', 'leaseMs'],
  `
if not held(id, epoch, token) then return 'fenced' end
local ends = number(now + leaseMs)
redis.call('HSET', entryKey(id), 'stateAt', ends)
redis.call('ZADD', leased, ends, id)
return 'extended'
`,
)

/** Answers with a word for each id of the list. */
export const replayScript: LetterScript<'doneWindowMs'> = letterScript(
  'allow-oom',
  ['doneWindowMs'],
  `
local words = {}
for at = listFrom, #ARGV do
  local id = ARGV[at]
  local entry = fieldsOf(id, 'state', 'stateAt', 'pipeline')
  local word = entry and entry[1] or 'unknown'
  if word == 'done' then
    word = tonumber(entry[2]) > now - doneWindowMs and 'acked' or 'unknown'
  elseif word == 'due' then
    if tonumber(entry[2]) > now then makeDue(id, entry[3], now) end
  elseif word == 'dead' then
    makeDue(id, entry[3], now)
    redis.call('HSET', entryKey(id), 'attempts', 0)
    redis.call('HINCRBY', entryKey(id), 'replays', 1)
    count('replayed', 1)
    word = 'replayed'
  end
  words[#words + 1] = word
end
return words
`,
)

/** Answers with a word for each id of the list. */
export const purgeScript: LetterScript<never> = letterScript(
  'allow-oom',
  [],
  `
local words = {}
for at = listFrom, #ARGV do
  local id = ARGV[at]
  local entry = fieldsOf(id, 'state', 'pipeline')
  local word = 'unknown'
  if entry and entry[2] and entry[1] ~= 'done' then
    remove(id, entry[2], 'purged')
    word = 'purged'
  end
  words[#words + 1] = word
end
return words
`,
)

/** Answers with the fields of each id of the list, or nothing. */
export const readScript: LetterScript<never> = letterScript(
  'no-writes',
  [],
  `
local entries = {}
for at = listFrom, #ARGV do
  local entry = fieldsOf(ARGV[at], ${allFields})
  entries[#entries + 1] = entry or {}
end
return entries
`,
)

export const countsScript: LetterScript<never> = letterScript(
  'no-writes',
  [],
  `
local sizes = { redis.call('ZCARD', all), redis.call('ZCARD', leased), redis.call('ZCARD', dead) }
return { sizes, redis.call('HGETALL', meta) }
`,
)
