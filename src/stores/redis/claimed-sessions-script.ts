import { letterScript, type LetterScript } from './letter-script.ts'

/**
 * Gives back what is leased of a session beyond `perSession`, and answers with the ids of that. Of each entry the list has
 * its id, the epoch and token of its lease, when it was due, and all keys that its session may have: what is leased of it
 * has the first of them from now on, so that `claimScript` can count it.
 */
export const claimedSessionsScript: LetterScript<'perSession'> = letterScript(
  'allow-oom',
  ['perSession'],
  `
cardOf(leased)
local leasedOf = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', leased, '(' .. number(now), '+inf')) do
  local fields = fieldsOf(id, 'session')
  if fields then
    leasedOf[fields[1]] = leasedOf[fields[1]] or {}
    table.insert(leasedOf[fields[1]], id)
  end
end
local returned = {}
for at = listFrom, #ARGV, 5 do
  local id, epoch, token, dueAt, keys = unpack(ARGV, at, at + 4)
  local lease = held(id, epoch, token)
  if lease then
    local own = string.match(keys, '%S+')
    local ids = leasedOf[own] or {}
    leasedOf[own] = ids
    for key in string.gmatch(keys, '%S+') do
      if key ~= own then
        for _, other in ipairs(leasedOf[key] or {}) do
          redis.call('HSET', entryKey(other), 'session', own)
          ids[#ids + 1] = other
        end
        leasedOf[key] = nil
      end
    end
    if #ids > tonumber(perSession) then
      move(id, lease.pipeline, 'leased', 'due', dueAt, 'token', '', 'attempts', lease.attempts - 1)
      for place = #ids, 1, -1 do
        if ids[place] == id then table.remove(ids, place) end
      end
      returned[#returned + 1] = id
    end
  end
end
return returned
`,
)
