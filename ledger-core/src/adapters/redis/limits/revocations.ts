import { randomUUID } from "node:crypto";
import { isLedgerError, LedgerError } from "../../../domain/errors.ts";
import type { Revocation, RevocationStore } from "../../../ports/revocations.ts";
import type { RedisClient } from "../client.ts";
import { redisScript } from "../script.ts";

/*
 * Revocations, under one hash tag and so in one slot:
 *
 *   {payledger:revocations}          generation, sequence: the newest one
 *   …:kept                           <tenant> <id>: <revokedAt> <until>
 *   …:order                          those names, by the sequence of their last change
 *   …:until                          those names, by until
 *
 * A sequence is Redis's clock in microseconds: so after a failover that lost the last writes, a new entry still comes
 * after all that a reader has seen. Numbers of this size are exact in Lua, but must be printed with %.0f.
 */
const ROOT = "{payledger:revocations}";

/** Keys that do not fit each other were evicted or lost: then the store begins anew. */
const names = `
local root = KEYS[1]
local kept, order, ending = root .. ':kept', root .. ':order', root .. ':until'
local generation = redis.call('HGET', root, 'generation')
local count = redis.call('HLEN', kept)
if not generation or count ~= redis.call('ZCARD', order) or count ~= redis.call('ZCARD', ending) then
  redis.call('DEL', root, kept, order, ending)
  generation = false
end
local sequence = tonumber(redis.call('HGET', root, 'sequence') or '0')
`;

const add = redisScript(`${names}
local name, at, till = ARGV[1], ARGV[2], ARGV[3]
if not generation then redis.call('HSET', root, 'generation', ARGV[4]) end
local known = redis.call('HGET', kept, name)
if known then
  local knownAt, knownTill = string.match(known, '^(%d+) (%d+)$')
  if tonumber(knownAt) < tonumber(at) then at = knownAt end
  if tonumber(knownTill) > tonumber(till) then till = knownTill end
end
local value = at .. ' ' .. till
if value ~= known then
  local time = redis.call('TIME')
  sequence = math.max(sequence + 1, tonumber(time[1]) * 1000000 + tonumber(time[2]))
  redis.call('HSET', root, 'sequence', string.format('%.0f', sequence))
  redis.call('HSET', kept, name, value)
  redis.call('ZADD', order, string.format('%.0f', sequence), name)
  redis.call('ZADD', ending, till, name)
end
return value
`);

/** A reader that has seen a later sequence than there is has seen what a failover lost: the generation changes. */
const read = redisScript(`${names}
if not generation then return {'', '0'} end
local after = 0
if ARGV[1] == generation then after = tonumber(ARGV[2]) end
if after > sequence then
  generation, after = ARGV[4], 0
  redis.call('HSET', root, 'generation', generation)
end
local last = string.format('%.0f', after)
local found = redis.call('ZRANGEBYSCORE', order, '(' .. last, '+inf', 'LIMIT', 0, ARGV[3], 'WITHSCORES')
local answer = {generation, last}
for i = 1, #found, 2 do
  answer[2] = found[i + 1]
  answer[#answer + 1] = found[i]
  answer[#answer + 1] = redis.call('HGET', kept, found[i])
end
return answer
`);

const DROP_MAX = 1000;
const drop = redisScript(`${names}
local names = redis.call('ZRANGEBYSCORE', ending, '-inf', '(' .. ARGV[1], 'LIMIT', 0, ${DROP_MAX})
if #names > 0 then
  redis.call('HDEL', kept, unpack(names))
  redis.call('ZREM', order, unpack(names))
  redis.call('ZREM', ending, unpack(names))
end
return {#names, redis.call('HLEN', kept)}
`);

/** Keeps revocations in Redis. @param pageMax 1 to 10,000; default 5,000 */
export function openRedisRevocations(redis: RedisClient, { pageMax = 5000 } = {}): RevocationStore {
  const run = async (...[script, args]: [script: typeof add, args: readonly (string | number)[]]) => {
    try {
      return await redis.run(script, [ROOT], args);
    } catch (error) {
      if (!isLedgerError(error)) throw error;
      throw new LedgerError("revocations_unavailable", error.message, { retryable: true, cause: error });
    }
  };
  return {
    async add({ tenant, id, revokedAt, until }) {
      const name = `${tenant} ${id}`;
      return revocationOf(name, String(await run(add, [name, revokedAt, until, randomUUID()])));
    },
    async read(after) {
      const { generation = "", sequence = 0 } = after ?? {};
      const [now, last, ...rows] = texts(await run(read, [generation, sequence, pageMax, randomUUID()]));
      const revocations = Array.from({ length: rows.length / 2 }, (_, n) =>
        revocationOf(rows[2 * n] ?? "", rows[2 * n + 1] ?? ""),
      );
      const cursor = { generation: now ?? "", sequence: Number(last) };
      return { revocations, cursor, more: revocations.length === pageMax };
    },
    async dropExpired(before) {
      for (;;) {
        const [dropped, left] = texts(await run(drop, [before]));
        if (Number(dropped) < DROP_MAX) return Number(left);
      }
    },
    close: () => redis.close(),
  };
}

function texts(answer: unknown): readonly string[] {
  return Array.isArray(answer) ? answer.map(String) : [];
}

/** A tenant holds no space. */
function revocationOf(name: string, value: string): Revocation {
  const space = name.indexOf(" ");
  const [revokedAt, until] = value.split(" ");
  return {
    tenant: name.slice(0, space),
    id: name.slice(space + 1),
    revokedAt: Number(revokedAt),
    until: Number(until),
  };
}
