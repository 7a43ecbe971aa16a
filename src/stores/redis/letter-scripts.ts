import { allFields, fieldAt, letterScript, type LetterScript, sharedLetterScript } from './letter-script.ts'

/** The layout of entries that this version writes; it reads no newer one. */
export const letterSchema = 1

/** Bytes of requests that one answer carries at the most, unless a single one is larger: 4 MiB. */
export const answerBytes = 4_194_304

export const putScript: LetterScript<
  | ('id' | 'digest' | 'digests' | 'payload' | 'err' | 'submissionId' | 'pipeline' | 'session' | 'stage' | 'failure')
  | ('firstSeenAt' | 'lastSeenAt' | 'state' | 'maxEntries' | 'maxDead' | 'maxBytes' | 'maxAgeMs' | 'doneWindowMs')
> = sharedLetterScript(
  'deny-oom',
  [
    ...([
      'id',
      'digest',
      'digests',
      'payload',
      'err',
      'submissionId',
      'pipeline',
      'session',
      'stage',
      'failure',
    ] as const),
    ...(['firstSeenAt', 'lastSeenAt', 'state', 'maxEntries', 'maxDead', 'maxBytes', 'maxAgeMs'] as const),
    'doneWindowMs',
  ],
  `
local key, own = entryKey(id), setOf(state, pipeline)
local known = hashOf(key, 'digest', 'state', 'stateAt')
local there = cardOf(own)
local expired = expire(tonumber(maxAgeMs))
if expired > 0 then known = hashOf(key, 'digest', 'state', 'stateAt') end
local over = known[2] == 'done' and tonumber(known[3]) <= now - doneWindowMs
if known[2] and not over then
  local same = known[1] and string.find(digests, known[1], 1, true)
  return same and 'duplicate' or 'conflict'
end
local size = #payload + #err
local counted = hashOf(meta, 'live', 'bytes')
local live, bytes = (counted[1] or 0) + 1, (counted[2] or 0) + size
if live > tonumber(maxEntries) or bytes > tonumber(maxBytes) then
  if expired == 100 then return 'again' end
  count('rejected', 1)
  return 'full'
end
if over then
  cardOf(done)
  redis.call('ZREM', done, id)
  redis.call('DEL', key)
end
local fields = { 'schema', ${letterSchema}, 'state', state, 'stateAt', number(now), 'submissionId', submissionId,
  'pipeline', pipeline, 'stage', stage, 'failure', failure, 'firstSeenAt', firstSeenAt,
  'lastSeenAt', lastSeenAt, 'digest', digest, 'payload', payload, 'size', size }
if err ~= '' then
  fields[#fields + 1] = 'error'
  fields[#fields + 1] = err
end
if session ~= '' then
  fields[#fields + 1] = 'session'
  fields[#fields + 1] = session
end
if state == 'due' and there == 0 then
  register(pipeline)
end
redis.call('HSET', key, unpack(fields))
redis.call('ZADD', all, firstSeenAt, id)
redis.call('ZADD', own, number(now), id)
redis.call('HSET', meta, 'live', number(live), 'bytes', number(bytes))
if state == 'dead' then
  evict(tonumber(maxDead))
end
return 'stored'
`,
)

/** Where there is something to claim: when it was due, the soonest first, and whether there is something to clear. */
export const peekScript: LetterScript<'pipeline' | 'limit' | 'maxAgeMs'> = letterScript(
  'no-writes',
  ['pipeline', 'limit', 'maxAgeMs'],
  `
local due = redis.pcall('ZRANGEBYSCORE', dueKey(pipeline), '-inf', number(now), 'WITHSCORES', 'LIMIT', 0, limit)
if due.err then wrong(dueKey(pipeline), 'zset') end
cardOf(leased)
cardOf(all)
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
look(due)
lookAtCounters()
release(tonumber(maxAttempts))
expire(tonumber(maxAgeMs))
evict(tonumber(maxDead))

local leasedOf
local function mayLease(session)
  if not session or perSession == '' then return true end
  if not leasedOf then
    leasedOf = {}
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', leased, '(' .. number(now), '+inf')) do
      local fields = fieldsOf(id, 'session')
      if fields then leasedOf[fields[1]] = (leasedOf[fields[1]] or 0) + 1 end
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
  local found = redis.call('ZRANGEBYSCORE', due, '-inf', number(now), 'WITHSCORES', 'LIMIT', skip, math.min(100, limit - #claimed))
  if #found == 0 then return { -1, claimed } end
  for at = 1, #found, 2 do
    local id = found[at]
    local fields = fieldsOf(id, ${allFields})
    seen = seen + 1
    if not fields or fields[${fieldAt.state}] ~= 'due' then
      redis.call('ZREM', due, id)
    elseif tonumber(fields[${fieldAt.schema}]) > ${letterSchema} then
      move(id, pipeline, 'due', 'dead', now)
    elseif tonumber(fields[${fieldAt.firstSeenAt}]) < now - maxAgeMs or not mayLease(fields[${fieldAt.session}]) then
      skip = skip + 1
    else
      local attempts, epoch = number((fields[${fieldAt.attempts}] or 0) + 1), number((fields[${fieldAt.epoch}] or 0) + 1)
      local lease = token .. #claimed
      redis.call('HSET', entryKey(id), 'state', 'leased', 'stateAt', ends, 'token', lease, 'attempts', attempts, 'epoch', epoch)
      redis.call('ZREM', due, id)
      redis.call('ZADD', leased, ends, id)
      fields[${fieldAt.state}], fields[${fieldAt.stateAt}], fields[${fieldAt.token}] = 'leased', ends, lease
      fields[${fieldAt.attempts}], fields[${fieldAt.epoch}] = attempts, epoch
      bytes = bytes + (fields[${fieldAt.size}] or 0)
      claimed[#claimed + 1] = { found[at + 1], id, fields }
      if bytes > ${answerBytes} then return { skip, claimed } end
    end
  end
  if seen >= 1000 then return { skip, claimed } end
end
return { skip, claimed }
`,
)

export const ackScript: LetterScript<'id' | 'epoch' | 'token' | 'doneWindowMs' | 'maxDone'> = sharedLetterScript(
  'allow-oom',
  ['id', 'epoch', 'token', 'doneWindowMs', 'maxDone'],
  `
local key = entryKey(id)
local lease, doneAt = held(id, epoch, token)
if not lease then
  return doneAt and doneAt > now - doneWindowMs and 'acked' or 'fenced'
end
cardOf(all)
local kept = cardOf(done)
remove(id, 'leased', lease.pipeline, lease.size, 'acked')
if tonumber(maxDone) > 0 and tonumber(doneWindowMs) > 0 then
  redis.call('HSET', key, 'state', 'done', 'stateAt', number(now), 'epoch', epoch, 'token', token, 'digest', lease.digest)
  -- Should it be lost from the set, it does not stay for ever.
  redis.call('PEXPIRE', key, number(math.min(math.ceil(doneWindowMs), 1e15)))
  redis.call('ZADD', done, number(now), id)
  kept = kept + 1
end
if kept > tonumber(maxDone) then
  for _, oldest in ipairs(redis.call('ZRANGE', done, 0, math.min(kept - maxDone, 100) - 1)) do
    redis.call('ZREM', done, oldest)
    local known = fieldsOf(oldest, 'state')
    if known and known[1] == 'done' then redis.call('DEL', entryKey(oldest)) end
  end
end
return 'acked'
`,
)

export const failScript: LetterScript<
  'id' | 'epoch' | 'token' | 'stage' | 'failure' | 'err' | 'retryInMs' | 'final' | 'maxAttempts' | 'maxDead'
> = sharedLetterScript(
  'allow-oom',
  ['id', 'epoch', 'token', 'stage', 'failure', 'err', 'retryInMs', 'final', 'maxAttempts', 'maxDead'],
  `
local lease = held(id, epoch, token)
if not lease then return 'fenced' end
lookAtCounters()
cardOf(all)
local key = entryKey(id)
local dies = final == '1' or lease.attempts >= tonumber(maxAttempts)
local size = lease.size - redis.call('HSTRLEN', key, 'error') + #err
local to, at = 'due', now + retryInMs
if dies then to, at = 'dead', now end
move(id, lease.pipeline, 'leased', to, at, 'token', '', 'stage', stage, 'failure', failure,
  'lastSeenAt', number(now), 'error', err, 'size', size)
count('bytes', size - lease.size)
if err == '' then redis.call('HDEL', key, 'error') end
if dies then evict(tonumber(maxDead)) end
return to
`,
)

/** Gives up an entry that cannot be read. */
export const buryScript: LetterScript<'id' | 'epoch' | 'token' | 'maxDead'> = sharedLetterScript(
  'allow-oom',
  ['id', 'epoch', 'token', 'maxDead'],
  `
local lease = held(id, epoch, token)
if not lease then return 'fenced' end
cardOf(all)
move(id, lease.pipeline, 'leased', 'dead', now, 'token', '')
evict(tonumber(maxDead))
return 'dead'
`,
)

export const deferScript: LetterScript<'id' | 'epoch' | 'token' | 'retryInMs'> = sharedLetterScript(
  'allow-oom',
  ['id', 'epoch', 'token', 'retryInMs'],
  `
local lease = held(id, epoch, token)
if not lease then return 'fenced' end
move(id, lease.pipeline, 'leased', 'due', now + retryInMs, 'token', '', 'attempts', lease.attempts - 1)
return 'due'
`,
)

export const extendScript: LetterScript<'id' | 'epoch' | 'token' | 'leaseMs'> = sharedLetterScript(
  'allow-oom',
  ['id', 'epoch', 'token', 'leaseMs'],
  `
if not held(id, epoch, token) then return 'fenced' end
cardOf(leased)
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
local ids = { unpack(ARGV, listFrom) }
local words = {}
if #ids == 0 then return words end
local known, ended = scoresOf(all, ids), scoresOf(done, ids)
for at, id in ipairs(ids) do
  local fields = (known[at] or ended[at]) and fieldsOf(id, 'state', 'stateAt', 'pipeline', 'replays')
  local word = fields and fields[1] or 'unknown'
  if word == 'done' then
    word = tonumber(fields[2]) > now - doneWindowMs and 'acked' or 'unknown'
  elseif word == 'due' then
    if tonumber(fields[2]) > now then move(id, fields[3], 'due', 'due', now) end
  elseif word == 'dead' then
    lookAtCounters()
    move(id, fields[3], 'dead', 'due', now, 'attempts', 0, 'replays', (fields[4] or 0) + 1)
    count('replayed', 1)
    word = 'replayed'
  end
  words[at] = word
end
return words
`,
)

/** Answers with a word for each id of the list. */
export const purgeScript: LetterScript<never> = letterScript(
  'allow-oom',
  [],
  `
local ids = { unpack(ARGV, listFrom) }
local words = {}
if #ids == 0 then return words end
local known = scoresOf(all, ids)
for at, id in ipairs(ids) do
  local fields = known[at] and fieldsOf(id, 'pipeline', 'state', 'size')
  if fields then remove(id, fields[2], fields[1], fields[3], 'purged') end
  words[at] = fields and 'purged' or 'unknown'
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
for at = listFrom, #ARGV do entries[#entries + 1] = fieldsOf(ARGV[at], ${allFields}) or {} end
return entries
`,
)

export const countsScript: LetterScript<never> = letterScript(
  'no-writes',
  [],
  `
local sizes = { cardOf(all), cardOf(leased), cardOf(dead) }
hashOf(meta, 'live')
return { sizes, redis.call('HGETALL', meta) }
`,
)
