import { SESSION_MOVEMENTS_MAX } from "../../../ports/session-view.ts";
import { redisScript } from "../script.ts";

/*
 * A rebuild of a shard's session views beside the served ones, by one process at a time:
 *
 *   {payledger:0}:session-views-rebuild      who rebuilds; expires unless it is renewed
 */

/** Takes or renews the right to rebuild for ARGV[2] ms: 1; 0 while another has it. */
export const claimScript = redisScript(`
local key = KEYS[1] .. '-rebuild'
local holder = redis.call('GET', key)
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
return 1
`);

export const releaseScript = redisScript(`
local key = KEYS[1] .. '-rebuild'
if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
`);

/** Begins a generation beside the served one, whose name it returns; nil, and nothing is begun, if none is served. */
export const buildScript = redisScript(`
local served = redis.call('HGET', KEYS[1], 'served')
if served then redis.call('HSET', KEYS[1], 'building', ARGV[1]) end
return served
`);

/** Gives a generation up. While none is served, it stays: then the projection fills it, too. */
export const giveUpScript = redisScript(`
local served, building = unpack(redis.call('HMGET', KEYS[1], 'served', 'building'))
if served and building == ARGV[1] then redis.call('HDEL', KEYS[1], 'building') end
`);

/** Serves a generation (ARGV[2]) in place of another: 'served', 'behind' it, or 'replaced' meanwhile. */
export const replaceScript = redisScript(`
local root = KEYS[1]
local served, building = unpack(redis.call('HMGET', root, 'served', 'building'))
if served ~= ARGV[1] or building ~= ARGV[2] then return 'replaced' end
local function revision(generation)
  return tonumber(redis.call('HGET', root .. ':' .. generation, 'revision') or '-1')
end
if revision(building) < revision(served) then return 'behind' end
redis.call('HSET', root, 'served', building)
redis.call('HDEL', root, 'building')
return 'served'
`);

/** The parts of comparisons that both of their scripts need. */
const comparing = `
local root, one, other = KEYS[1], KEYS[1] .. ':' .. ARGV[1], KEYS[1] .. ':' .. ARGV[2]
local function revision(base) return redis.call('HGET', base, 'revision') or '-1' end
local function shown(base, owner)
  local text = redis.call('HGET', base .. ':index', 'o:' .. owner) or ''
  local parts = {text}
  for id in string.gmatch(text, 'acct_' .. string.rep('%w', 26)) do
    local texts = redis.call('HMGET', base, 't:' .. id, id, 'h:' .. id, 's:' .. id)
    for _, part in ipairs({id, unpack(texts)}) do parts[#parts + 1] = tostring(part) end
  end
  local movements = redis.call('LRANGE', base .. ':m:' .. owner, -${SESSION_MOVEMENTS_MAX}, -1)
  for _, part in ipairs(movements) do parts[#parts + 1] = part end
  return cjson.encode(parts)
end
local function differ(owners)
  local found = {}
  for _, owner in ipairs(owners) do
    if shown(one, owner) ~= shown(other, owner) then found[#found + 1] = owner end
  end
  return found
end
`;

/**
 * Compares a part of the owners of two generations, those of ARGV[3] (a generation): the cursor to go on with, how many
 * owners it looked at, and those who differ.
 */
export const compareScript = redisScript(`${comparing}
local cursor, found = unpack(redis.call('HSCAN', root .. ':' .. ARGV[3] .. ':index', ARGV[4], 'COUNT', ARGV[5]))
local owners = {}
for n = 1, #found, 2 do
  local owner = string.match(found[n], '^o:(.*)$')
  if owner then owners[#owners + 1] = owner end
end
return {cursor, #owners, differ(owners)}
`);

/** Compares owners again: whether both generations are at the same revision, and those who differ. */
export const compareAgainScript = redisScript(`${comparing}
local owners = {}
for n = 3, #ARGV do owners[#owners + 1] = ARGV[n] end
return {revision(one) == revision(other) and 1 or 0, differ(owners)}
`);
