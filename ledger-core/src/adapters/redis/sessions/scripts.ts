import { SESSION_MOVEMENTS_MAX } from "../../../ports/session-view.ts";
import { redisScript } from "../script.ts";

/*
 * The session views of a shard. All of its keys share a hash tag and so a slot: scripts change them as one step, and a
 * replica that lost its last writes still has a whole earlier state.
 *
 *   {payledger:0}:session-views         served, building: generations. Readers use the served one.
 *   …:<generation>                      revision: the last event applied; <account>: its balance and newest entry;
 *                                       t:<account>: its text; h:<account>: held; s:<account>: status (rows.ts)
 *   …:<generation>:index                whole: 1; <account>: its owner; o:<owner>: numbers of accounts, of movements
 *                                       and of accounts that moved among the following; accounts, latest first
 *   …:<generation>:m:<owner>            the last movements, newest last
 *
 * The index knows what must exist, so that a key that was evicted is noticed. An owner is `<tenant>/<owner>`. Fields of
 * many accounts lie in few keys because a script reads and writes them by one command, and a command costs as much as
 * ten fields. A list of movements is trimmed only when it has twice as many as are shown, for the same reason.
 */
export const scriptNames = (generation: string) => `
local root = KEYS[1]
local base = root .. ':' .. ${generation}
local index = base .. ':index'
local function movementsKey(owner) return base .. ':m:' .. owner end
local function whole()
  return redis.call('HEXISTS', index, 'whole') == 1 and redis.call('HEXISTS', base, 'revision') == 1
end
local function countsIn(text)
  local accounts, movements, moved, latest = string.match(text or '0 0 0 ', '^(%d+) (%d+) (%d+) (.*)$')
  return tonumber(accounts), tonumber(movements), tonumber(moved), latest
end
local function accountTexts(id) return redis.call('HMGET', base, 't:' .. id, id, 'h:' .. id, 's:' .. id) end
local function movementsOf(owner)
  local held = redis.call('LRANGE', movementsKey(owner), -${SESSION_MOVEMENTS_MAX}, -1)
  local shown = {}
  for n = #held, 1, -1 do shown[#shown + 1] = held[n] end
  return shown
end
local function shownOf(owner) return math.min(${SESSION_MOVEMENTS_MAX}, redis.call('LLEN', movementsKey(owner))) end
`;

/** The length of an account's id. */
export const ID_LENGTH = 31;

/** The revision of a generation; nil before its first batch. */
export const checkpointScript = redisScript("return redis.call('HGET', KEYS[1] .. ':' .. ARGV[1], 'revision')");

/** The generation that is served and its revision; nil if there is none. */
export const servedScript = redisScript(`
local served = redis.call('HGET', KEYS[1], 'served')
local revision = served and redis.call('HGET', KEYS[1] .. ':' .. served, 'revision')
return revision and {served, revision}
`);

/** An owner's revision, number of accounts, accounts (text, balance, held, status) and movements; or nil. */
export const readScript = redisScript(`${scriptNames("(redis.call('HGET', root, 'served') or '')")}
if not whole() then return nil end
local owner = ARGV[1]
local count, shown, _, latest = countsIn(redis.call('HGET', index, 'o:' .. owner))
local movements = movementsOf(owner)
if #movements ~= shown then return nil end
local accounts = {}
for at = 1, #latest, ${ID_LENGTH} do
  local texts = accountTexts(string.sub(latest, at, at + ${ID_LENGTH - 1}))
  if not texts[1] then return nil end
  accounts[#accounts + 1] = texts
end
return {redis.call('HGET', base, 'revision'), count, accounts, movements}
`);

/**
 * The generation to write, the same for every worker: the served one, unless it is lost (ARGV[2]); else the one being
 * built; else ARGV[1].
 */
export const beginScript = redisScript(`
local root = KEYS[1]
local function intact(generation)
  local base = root .. ':' .. generation
  return redis.call('HEXISTS', base, 'revision') == 1 and redis.call('HEXISTS', base .. ':index', 'whole') == 1
end
local served, building = unpack(redis.call('HMGET', root, 'served', 'building'))
if served and served ~= ARGV[2] and intact(served) then return {served, 1} end
if building and building ~= ARGV[2] then return {building, 0} end
redis.call('HSET', root, 'building', ARGV[1])
return {ARGV[1], 0}
`);

/** Makes readers use no generation until one is complete, since the one that they used has lost keys. */
export const withdrawScript = redisScript(`
if redis.call('HGET', KEYS[1], 'served') == ARGV[1] then redis.call('HDEL', KEYS[1], 'served') end
`);

/** Serves a complete generation: 1; 0 if another worker has served another one meanwhile. */
export const serveScript = redisScript(`${scriptNames("ARGV[1]")}
if redis.call('HGET', root, 'building') ~= ARGV[1] or not whole() then return 0 end
redis.call('HSET', root, 'served', ARGV[1])
redis.call('HDEL', root, 'building')
return 1
`);

/** Looks for missing keys in a part of the index: the cursor to go on with, and whether all were there; or nil. */
export const auditScript = redisScript(`${scriptNames("ARGV[1]")}
local served = redis.call('HGET', root, 'served')
if served and served ~= ARGV[1] then return nil end
if not whole() or not served then return {'0', 0} end
local cursor, found = unpack(redis.call('HSCAN', index, ARGV[2], 'COUNT', ARGV[3]))
for n = 1, #found, 2 do
  local owner = string.match(found[n], '^o:(.*)$')
  if owner and select(2, countsIn(found[n + 1])) ~= shownOf(owner) then return {'0', 0} end
end
return {cursor, 1}
`);

/**
 * Removes keys of generations that are neither served nor being built, and those of a former layout (ARGV[3], the key
 * that all of them begin with): the cursor to go on with.
 */
export const sweepScript = redisScript(`
local root, former = KEYS[1], ARGV[3]
local kept = redis.call('HMGET', root, 'served', 'building')
local cursor, keys = unpack(redis.call('SCAN', ARGV[1], 'MATCH', string.match(root, '^{.*}') .. ':*', 'COUNT', ARGV[2]))
for _, key in ipairs(keys) do
  local generation = string.match(string.sub(key, #root + 1), '^:([^:]*)')
  local isOurs = string.sub(key, 1, #root) == root and generation
  if isOurs and generation ~= kept[1] and generation ~= kept[2] then redis.call('UNLINK', key) end
  if string.sub(key, 1, #former) == former then redis.call('UNLINK', key) end
end
return cursor
`);
