import { SESSION_ACCOUNTS_MAX, SESSION_MOVEMENTS_MAX } from "../../../ports/session-view.ts";
import { redisScript } from "../script.ts";
import { ID_LENGTH, scriptNames } from "./scripts.ts";

/** Refuses a batch that does not follow the last one; every script that writes needs it. */
const revisionCheck = `
if (redis.call('HGET', base, 'revision') or '-1') ~= ARGV[2] then return 'gap' end
`;

/** The most arguments that a command takes from a list: Lua's stack holds 8000. */
const MANY = 4000;

/** Whom a batch changes: accounts and their owners, by numbers. Nothing is written yet. */
const reading = `
local args = cmsgpack.unpack(ARGV[7])
local firstField = 1 + 3 * tonumber(ARGV[5])
local firstMove = firstField + 2 * tonumber(ARGV[6])
local function slices(list, run)
  for from = 1, #list, ${MANY} do run(from, unpack(list, from, math.min(#list, from + ${MANY - 1}))) end
end

local ids, numbers, accounts = {}, {}, 0
local function numberOf(id)
  local n = numbers[id]
  if n then return n end
  accounts = accounts + 1
  ids[accounts], numbers[id] = id, accounts
  return accounts
end
local openedBy, movedBy, newest = {}, {}, {}
for p = 1, firstField - 1, 3 do openedBy[numberOf(args[p])] = args[p + 1] end
for p = firstField, firstMove - 1, 2 do numberOf(string.sub(args[p], -${ID_LENGTH})) end
for p = firstMove, #args do
  local n = numberOf(string.sub(args[p], 3, ${ID_LENGTH + 2}))
  movedBy[p], newest[n] = n, p
end

local ownerOf, names, owners, unknown = {}, {}, {}, nil
slices(ids, function(from, ...)
  for n, name in ipairs(redis.call('HMGET', index, ...)) do
    local account = from + n - 1
    name = name or openedBy[account]
    if not name then unknown = ids[account] return end
    if not owners[name] then
      names[#names + 1] = 'o:' .. name
      owners[name] = #names
    end
    ownerOf[account] = owners[name]
  end
end)
if unknown then return unknown end
local opened, moves, moved, latest = {}, {}, {}, {}
slices(names, function(from, ...)
  for n, text in ipairs(redis.call('HMGET', index, ...)) do
    local owner = from + n - 1
    opened[owner], moves[owner], moved[owner], latest[owner] = countsIn(text)
  end
end)
`;

const writing = `
local changed, fields, indexed = {}, {'revision', ARGV[3]}, {}
local function put(list, name, value)
  list[#list + 1] = name
  list[#list + 1] = value
end
for p = 1, firstField - 1, 3 do
  local id = args[p]
  local owner = ownerOf[numbers[id]]
  put(indexed, id, args[p + 1])
  put(fields, 't:' .. id, args[p + 2])
  local at = moved[owner] * ${ID_LENGTH}
  local list = string.sub(latest[owner], 1, at) .. id .. string.sub(latest[owner], at + 1)
  latest[owner] = string.sub(list, 1, ${SESSION_ACCOUNTS_MAX * ID_LENGTH})
  opened[owner], changed[owner] = opened[owner] + 1, true
end
for p = firstField, firstMove - 1, 2 do put(fields, args[p], args[p + 1]) end
for p = firstMove, #args do
  local account = movedBy[p]
  if newest[account] == p then
    local id, owner = ids[account], ownerOf[account]
    put(fields, id, (string.match(args[p], '^"[^"]*","[^"]*"', ${ID_LENGTH + 5})))
    local list = latest[owner]
    local at = string.find(list, id, 1, true)
    if at ~= 1 or moved[owner] == 0 then
      if at then list = string.sub(list, 1, at - 1) .. string.sub(list, at + ${ID_LENGTH}) end
      latest[owner] = string.sub(id .. list, 1, ${SESSION_ACCOUNTS_MAX * ID_LENGTH})
      local isFirst = not at or at > moved[owner] * ${ID_LENGTH}
      if isFirst then moved[owner] = math.min(${SESSION_ACCOUNTS_MAX}, moved[owner] + 1) end
      changed[owner] = true
    end
  end
end
local first, last, following = {}, {}, {}
for p = firstMove, #args do
  local owner = ownerOf[movedBy[p]]
  if first[owner] then following[last[owner]] = p else first[owner] = p end
  last[owner] = p
end
for owner, p in pairs(first) do
  local pushed = {}
  while p do
    pushed[#pushed + 1] = args[p]
    p = following[p]
  end
  local key = movementsKey(string.sub(names[owner], 3))
  local held = redis.call('RPUSH', key, unpack(pushed, math.max(1, #pushed - ${SESSION_MOVEMENTS_MAX - 1})))
  if held > ${2 * SESSION_MOVEMENTS_MAX} then redis.call('LTRIM', key, -${SESSION_MOVEMENTS_MAX}, -1) end
  local shown = math.min(${SESSION_MOVEMENTS_MAX}, moves[owner] + #pushed)
  if math.min(${SESSION_MOVEMENTS_MAX}, held) ~= shown then
    redis.call('HDEL', index, 'whole')
    return 'lost'
  end
  if shown ~= moves[owner] then moves[owner], changed[owner] = shown, true end
end
for owner in pairs(changed) do
  put(indexed, names[owner], table.concat({opened[owner], moves[owner], moved[owner], latest[owner]}, ' '))
end
if ARGV[2] == '-1' then put(indexed, 'whole', 1) end
slices(indexed, function(_, ...) redis.call('HSET', index, ...) end)
slices(fields, function(_, ...) redis.call('HSET', base, ...) end)
return 'applied'
`;

/**
 * Applies the changes of a batch with its revision: 'applied'; or nothing: 'gap', 'lost' (keys are missing), 'replaced'
 * (another generation is served) or the id of an account that was never opened. A lost list shows only when it is
 * pushed to: then, too, 'lost', and the generation is no longer whole, so that nobody reads it.
 */
export function makeApplyScript(check = revisionCheck) {
  return redisScript(`${scriptNames("ARGV[1]")}
if ARGV[4] == '1' then
  local served = redis.call('HGET', root, 'served')
  if served ~= ARGV[1] then return served and 'replaced' or 'lost' end
end
${check}
if ARGV[2] ~= '-1' and not whole() then return 'lost' end
${reading}${writing}`);
}
