import { SESSION_ACCOUNTS_MAX, SESSION_MOVEMENTS_MAX } from "../../../ports/session-view.ts";
import { redisScript } from "../script.ts";

/*
 * The session views of a shard. All of its keys share a hash tag and so a slot: scripts change them as one step, and a
 * replica that lost its last writes still has a whole earlier state.
 *
 *   {payledger:0}:sessions              served, building: generations. Readers use the served one.
 *   …:<generation>                      revision: the last event applied
 *   …:<generation>:index                whole: 1; a:<account>: its owner; o:<owner>: how many accounts and movements
 *   …:<generation>:a:<account>          account, status, posted, held, entry (the id of its newest one)
 *   …:<generation>:o:<owner>            accounts, scored by their newest entry
 *   …:<generation>:m:<owner>            the last movements, newest first
 *
 * The index knows what must exist, so that a key that was evicted is noticed. An owner is `<tenant>/<owner>`.
 */
export const scriptNames = (generation: string) => `
local root = KEYS[1]
local base = root .. ':' .. ${generation}
local index = base .. ':index'
local function accountKey(id) return base .. ':a:' .. id end
local function accountsKey(owner) return base .. ':o:' .. owner end
local function movementsKey(owner) return base .. ':m:' .. owner end
local function whole()
  return redis.call('HEXISTS', index, 'whole') == 1 and redis.call('HEXISTS', base, 'revision') == 1
end
local function countsOf(owner)
  local text = redis.call('HGET', index, 'o:' .. owner)
  if not text then return {0, 0} end
  local accounts, movements = string.match(text, '^(%d+) (%d+)$')
  return {tonumber(accounts), tonumber(movements)}
end
local function complete(owner, counts)
  return redis.call('ZCARD', accountsKey(owner)) == counts[1]
    and redis.call('LLEN', movementsKey(owner)) == counts[2]
end
`;

/** Refuses a batch that does not follow the last one; every script that writes needs it. */
const revisionCheck = `
if (redis.call('HGET', base, 'revision') or '-1') ~= ARGV[2] then return 'gap' end
`;

/**
 * Applies the changes of a batch with its revision: 'applied'; or nothing: 'gap', 'lost' (keys are missing), 'replaced'
 * (another generation is served) or the id of an account that was never opened.
 */
export function makeApplyScript(check = revisionCheck) {
  return redisScript(`${scriptNames("ARGV[1]")}
if ARGV[4] == '1' then
  local served = redis.call('HGET', root, 'served')
  if served ~= ARGV[1] then return served and 'replaced' or 'lost' end
end
${check}
if ARGV[2] ~= '-1' and not whole() then return 'lost' end
local opened, touched, moved = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local openedAt, touchedAt = 8, 8 + 4 * opened
local movedAt = touchedAt + 6 * touched
local owners, counts = {}, {}
for p = openedAt, touchedAt - 4, 4 do owners[ARGV[p]] = ARGV[p + 1] end
for p = touchedAt, movedAt - 6, 6 do
  local id = ARGV[p]
  if not owners[id] then
    local owner = redis.call('HGET', index, 'a:' .. id)
    if not owner then return id end
    if redis.call('EXISTS', accountKey(id)) == 0 then return 'lost' end
    owners[id] = owner
  end
end
for _, owner in pairs(owners) do
  if not counts[owner] then
    counts[owner] = countsOf(owner)
    if not complete(owner, counts[owner]) then return 'lost' end
  end
end

for p = openedAt, touchedAt - 4, 4 do
  local id, owner = ARGV[p], ARGV[p + 1]
  redis.call('HSET', accountKey(id), 'account', ARGV[p + 2], 'status', 'open', 'posted', '0', 'held', '0', 'entry', '')
  redis.call('HSET', index, 'a:' .. id, owner)
  counts[owner][1] = counts[owner][1] + redis.call('ZADD', accountsKey(owner), ARGV[p + 3], id)
end
for p = touchedAt, movedAt - 6, 6 do
  local id, fields = ARGV[p], {}
  for n, field in ipairs({'posted', 'held', 'status', 'entry'}) do
    if ARGV[p + n] ~= '' then fields[#fields + 1] = field; fields[#fields + 1] = ARGV[p + n] end
  end
  redis.call('HSET', accountKey(id), unpack(fields))
  if ARGV[p + 5] ~= '' then redis.call('ZADD', accountsKey(owners[id]), ARGV[p + 5], id) end
end
local pushes = {}
for p = movedAt, movedAt + 2 * moved - 2, 2 do
  local owner = owners[ARGV[p]]
  local list = pushes[owner] or {}
  pushes[owner] = list
  list[#list + 1] = ARGV[p + 1]
end
for owner, list in pairs(pushes) do
  local from = math.max(1, #list - ${SESSION_MOVEMENTS_MAX} + 1)
  redis.call('LPUSH', movementsKey(owner), unpack(list, from))
  redis.call('LTRIM', movementsKey(owner), 0, ${SESSION_MOVEMENTS_MAX - 1})
  counts[owner][2] = math.min(${SESSION_MOVEMENTS_MAX}, counts[owner][2] + #list)
end
for owner, count in pairs(counts) do redis.call('HSET', index, 'o:' .. owner, count[1] .. ' ' .. count[2]) end
redis.call('HSET', base, 'revision', ARGV[3])
if ARGV[2] == '-1' then redis.call('HSET', index, 'whole', 1) end
return 'applied'
`);
}

/** The revision of a generation; nil before its first batch. */
export const checkpointScript = redisScript("return redis.call('HGET', KEYS[1] .. ':' .. ARGV[1], 'revision')");

/** The generation that is served and its revision; nil if there is none. */
export const servedScript = redisScript(`
local served = redis.call('HGET', KEYS[1], 'served')
local revision = served and redis.call('HGET', KEYS[1] .. ':' .. served, 'revision')
return revision and {served, revision}
`);

/** An owner's revision, number of accounts, accounts (id, text, status, posted, held, entry) and movements; or nil. */
export const readScript = redisScript(`${scriptNames("(redis.call('HGET', root, 'served') or '')")}
if not whole() then return nil end
local owner = ARGV[1]
local counts = countsOf(owner)
if not complete(owner, counts) then return nil end
local accounts = {}
for _, id in ipairs(redis.call('ZREVRANGE', accountsKey(owner), 0, ${SESSION_ACCOUNTS_MAX - 1})) do
  local texts = redis.call('HMGET', accountKey(id), 'account', 'status', 'posted', 'held', 'entry')
  if not texts[1] then return nil end
  texts[6] = id
  accounts[#accounts + 1] = texts
end
return {redis.call('HGET', base, 'revision'), counts[1], accounts, redis.call('LRANGE', movementsKey(owner), 0, -1)}
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
  local kind, name = string.match(found[n], '^([ao]):(.*)$')
  if kind == 'a' and redis.call('EXISTS', accountKey(name)) == 0 then return {'0', 0} end
  if kind == 'o' and not complete(name, countsOf(name)) then return {'0', 0} end
end
return {cursor, 1}
`);

/** Removes keys of generations that are neither served nor being built: the cursor to go on with. */
export const sweepScript = redisScript(`
local root = KEYS[1]
local kept = redis.call('HMGET', root, 'served', 'building')
local cursor, keys = unpack(redis.call('SCAN', ARGV[1], 'MATCH', root .. ':*', 'COUNT', ARGV[2]))
for _, key in ipairs(keys) do
  local generation = string.match(string.sub(key, #root + 2), '^[^:]*')
  if generation ~= kept[1] and generation ~= kept[2] then redis.call('UNLINK', key) end
end
return cursor
`);
