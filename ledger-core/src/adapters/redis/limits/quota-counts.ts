import type { QuotaCounts } from "../../../ports/quota-counts.ts";
import type { RedisClient } from "../client.ts";
import { redisScript } from "../script.ts";

/** One hash per window, which Redis forgets when the next window has passed. */
const add = redisScript(`
local totals = {}
for i = 2, #ARGV, 2 do
  totals[#totals + 1] = redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return totals
`);

/** Counts requests in Redis, for all services together. */
export function openRedisQuotaCounts(redis: RedisClient): QuotaCounts {
  return {
    async add({ seconds, number }, counts) {
      if (counts.length === 0) return [];
      const args = counts.flatMap(({ key, count }) => [key, count]);
      const totals = await redis.run(add, [`{payledger:quotas}:${seconds}:${number}`], [2 * seconds, ...args]);
      return Array.isArray(totals) ? totals.map(Number) : [];
    },
    close: () => redis.close(),
  };
}
