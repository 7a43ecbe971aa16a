import { letterSchema } from './letter-scripts.ts'
import { letterScript, type LetterScript } from './letter-script.ts'

/**
 * Ends at most 100 leases, and 100 entries, whose time is over; answers with how many of which. Forgets the names of
 * pipelines of which nothing is due: whoever makes the first of them due registers it anew.
 */
export const sweepScript: LetterScript<'maxAttempts' | 'maxAgeMs' | 'maxDead' | 'doneWindowMs'> = letterScript(
  'allow-oom',
  ['maxAttempts', 'maxAgeMs', 'maxDead', 'doneWindowMs'],
  `
cardOf(done)
local names = redis.pcall('SMEMBERS', pipelines)
if names.err then wrong(pipelines, 'set') end
for _, pipeline in ipairs(names) do cardOf(dueKey(pipeline)) end
redis.call('ZREMRANGEBYSCORE', done, '-inf', number(now - doneWindowMs))
local ended = { release(tonumber(maxAttempts)), expire(tonumber(maxAgeMs)), evict(tonumber(maxDead)) }
for _, pipeline in ipairs(names) do
  if cardOf(dueKey(pipeline)) == 0 then redis.call('SREM', pipelines, pipeline) end
end
return ended
`,
)

/** The shard's sets, and whether their sizes say that one of them has lost something. */
export const surveyScript: LetterScript<never> = letterScript(
  'no-writes',
  [],
  `
local sets, listed = { all, leased, dead }, cardOf(leased) + cardOf(dead)
for _, due in ipairs(allDues()) do
  listed = listed + cardOf(due)
  sets[#sets + 1] = due
end
local there = cardOf(all)
local lost = hashOf(meta, 'live')[1] ~= tostring(there) or listed ~= there
return { lost and 1 or 0, sets }
`,
)

/**
 * Looks at each id of the list: one without a hash is taken out of the sets, a hash is put into those it belongs to.
 * Whether it is due in another pipeline, too, is looked for only if `deep` is 1: there may be thousands of them.
 * Answers with how many were put back, and how many were lost.
 */
export const repairScript: LetterScript<'deep'> = letterScript(
  'allow-oom',
  ['deep'],
  `
local dues = allDues()
hashOf(meta, 'live')
for _, keys in ipairs({ { all, leased, dead, done }, dues }) do
  for _, key in ipairs(keys) do cardOf(key) end
end
local function unlistAll(id)
  local listed = redis.call('ZREM', all, id) + redis.call('ZREM', leased, id) + redis.call('ZREM', dead, id)
  for _, due in ipairs(dues) do listed = listed + redis.call('ZREM', due, id) end
  return listed
end
local function isListed(id, own)
  if not redis.call('ZSCORE', all, id) then return false end
  if not redis.call('ZSCORE', own, id) then return false end
  for _, keys in ipairs({ { leased, dead }, deep == '1' and dues or {} }) do
    for _, key in ipairs(keys) do
      if key ~= own and redis.call('ZSCORE', key, id) then return false end
    end
  end
  return true
end
local repaired, lost = 0, 0
for at = listFrom, #ARGV do
  local id = ARGV[at]
  local key = entryKey(id)
  local entry = fieldsOf(id, 'state', 'stateAt', 'pipeline', 'firstSeenAt', 'submissionId', 'schema', 'size', 'digest', 'failure')
  local state = entry and entry[1]
  if state == 'done' then
    unlistAll(id)
    if tonumber(entry[2]) and redis.call('ZADD', done, 'NX', entry[2], id) == 1 then repaired = repaired + 1 end
  elseif not entry then
    if unlistAll(id) > 0 then lost = lost + 1 end
  else
    local numbers = tonumber(entry[2]) and tonumber(entry[4]) and tonumber(entry[6]) and tonumber(entry[7])
    local known = state == 'due' or state == 'leased' or state == 'dead'
    local whole = known and numbers and entry[3] and entry[5] and entry[8] and entry[9]
    if whole and redis.call('HEXISTS', key, 'payload') == 1 then
      local own = setOf(state, entry[3])
      cardOf(own)
      if not isListed(id, own) then
        unlistAll(id)
        redis.call('ZADD', all, entry[4], id)
        redis.call('ZADD', own, entry[2], id)
        repaired = repaired + 1
      end
      if state == 'due' then register(entry[3]) end
    elseif not (entry[6] and tonumber(entry[6]) and tonumber(entry[6]) > ${letterSchema}) then
      unlistAll(id)
      redis.call('DEL', key)
      lost = lost + 1
    end
  end
end
if lost > 0 then count('lost', lost) end
return { repaired, lost }
`,
)

/**
 * Counts anew what there is; answers with how many are lost that no recount has told of: another sweep may be under way,
 * so what has been found is counted beside the data.
 */
export const recountScript: LetterScript<never> = letterScript(
  'allow-oom',
  [],
  `
local there, bytes = cardOf(all), 0
for from = 0, there - 1, 1000 do
  for _, id in ipairs(redis.call('ZRANGE', all, from, from + 999)) do
    local fields = fieldsOf(id, 'size')
    if fields then bytes = bytes + fields[1] end
  end
end
-- The counters themselves may be lost, and what was found says more.
local counted = hashOf(meta, 'live', 'lost')
local orphaned = math.max((counted[1] or 0) - there, tonumber(counted[2] or 0))
redis.call('HSET', meta, 'live', there, 'bytes', bytes, 'lost', 0)
count('orphaned', orphaned)
return orphaned
`,
)
