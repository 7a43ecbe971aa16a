import { letterScript, type LetterScript } from './letter-script.ts'

/**
 * Goes through a shard's entries, oldest submission first and those of the same time by their ids, behind a position.
 * Answers with the position that it came to (none at the end), and when each entry was submitted that fits the filter,
 * its id and its size. An argument that is empty selects all; `session` has all keys that the session may have.
 */
export const listScript: LetterScript<
  ('afterAt' | 'afterId' | 'limit' | 'from' | 'to') | ('pipeline' | 'stage' | 'kind' | 'reason' | 'state' | 'session')
> = letterScript(
  'no-writes',
  [
    ...(['afterAt', 'afterId', 'limit', 'from', 'to', 'pipeline', 'stage', 'kind', 'reason'] as const),
    ...(['state', 'session'] as const),
  ],
  `
-- Not <, which compares by the server's locale.
local function isBehind(id, other)
  for at = 1, math.min(#id, #other) do
    local a, b = string.byte(id, at), string.byte(other, at)
    if a ~= b then return a > b end
  end
  return #id > #other
end
cardOf(all)
local rank = 0
if afterAt ~= '' then
  local last = redis.call('ZCOUNT', all, '-inf', afterAt)
  rank = redis.call('ZCOUNT', all, '-inf', '(' .. afterAt)
  while rank < last do
    local middle = math.floor((rank + last) / 2)
    if isBehind(redis.call('ZRANGE', all, middle, middle)[1], afterId) then last = middle else rank = middle + 1 end
  end
end
if from ~= '' then rank = math.max(rank, redis.call('ZCOUNT', all, '-inf', '(' .. from)) end

local wanted = { pipeline, stage, state, '', kind, reason }
local function hasAll(has, wants)
  for at = 1, #wants do
    if wants[at] ~= '' and has[at] ~= wants[at] then return false end
  end
  return true
end
local entries, seen = {}, 0
limit = tonumber(limit)
while true do
  local found = redis.call('ZRANGE', all, rank, rank + 99, 'WITHSCORES')
  if #found == 0 then return { {}, entries } end
  for at = 1, #found, 2 do
    local id, time = found[at], found[at + 1]
    if to ~= '' and tonumber(time) >= tonumber(to) then return { {}, entries } end
    local entry = fieldsOf(id, 'pipeline', 'stage', 'state', 'session', 'failure', 'size')
    local size, fits = 0, false
    if entry then
      size = tonumber(entry[6]) or 0
      entry[5], entry[6] = string.match(entry[5] or '', '^(%S+) (.*)$')
      fits = hasAll(entry, wanted)
      if session ~= '' then fits = fits and entry[4] and string.find(session, entry[4], 1, true) end
    end
    if fits then entries[#entries + 1] = { time, id, size } end
    seen = seen + 1
    if #entries == limit or seen == 1000 then return { { time, id }, entries } end
  end
  rank = rank + 100
end
`,
)
