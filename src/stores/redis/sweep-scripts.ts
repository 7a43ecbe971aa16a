import { letterSchema } from './letter-scripts.ts'
import { letterScript, type LetterScript } from './letter-script.ts'

/** Ends at most 100 leases, and 100 entries, whose time is over; answers with how many of which. */
export const sweepScript: LetterScript<'maxAttempts' | 'maxAgeMs' | 'maxDead' | 'doneWindowMs'> = letterScript(
  'allow-oom',
  ['maxAttempts', 'maxAgeMs', 'maxDead', 'doneWindowMs'],
  `
cardOf(done)
redis.call('ZREMRANGEBYSCORE', done, '-inf', number(now - doneWindowMs))
return { release(tonumber(maxAttempts)), expire(tonumber(maxAgeMs)), evict(tonumber(maxDead)) }
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
 * Answers with how many were put back, and how many were lost.
 */
export const repairScript: LetterScript<never> = letterScript(
  'allow-oom',
  [],
  `
local dues = allDues()
hashOf(meta, 'live')
for _, key in ipairs({ all, leased, dead, done, unpack(dues) }) do cardOf(key) end
local function unlistAll(id)
  local listed = redis.call('ZREM', all, id) + redis.call('ZREM', leased, id) + redis.call('ZREM', dead, id)
  for _, due in ipairs(dues) do listed = listed + redis.call('ZREM', due, id) end
  return listed
end
local function isListed(id, own)
  if not redis.call('ZSCORE', all, id) then return false end
  local times = redis.call('ZSCORE', own, id) and 1 or 0
  for _, key in ipairs({ leased, dead, unpack(dues) }) do
    if key ~= own and redis.call('ZSCORE', key, id) then times = times + 1 end
  end
  return times == 1 and redis.call('ZSCORE', own, id)
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
