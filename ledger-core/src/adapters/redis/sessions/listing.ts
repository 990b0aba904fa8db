import { LedgerError } from "../../../domain/errors.ts";
import type { Revision, Shard } from "../../../domain/position.ts";
import type { RedisClient } from "../client.ts";
import { redisScript } from "../script.ts";
import { scriptNames, servedScript } from "./scripts.ts";
import { LEDGER, sessionsKey } from "./view.ts";

/** The contents of a shard's session views at one revision, by the keys or the part of them that was asked for. */
type Listed<Item> = { readonly revision: Revision; readonly items: readonly Item[] };

/** An account as it is held; a text is null where there is none. */
export type ListedAccount = {
  readonly account: string;
  /** `<tenant>/<owner>`, by the index. */
  readonly owner: string | null;
  /** Its text, its balance with the id of its newest entry, held and status, as rows.ts has them. */
  readonly texts: readonly (string | null)[];
};

export type ListedOwner = {
  readonly owner: string;
  /** How many accounts and movements it has, and its latest accounts, by the index. */
  readonly counted: string | null;
  /** The last movements, newest first. */
  readonly movements: readonly string[];
};

/** A name that is held: a key behind that of its generation, or a field of its accounts or of its index. */
export type ListedName = { readonly place: "key" | "account" | "index"; readonly name: string };

/** Lists the served session views, to compare them with the log. Each answer is of one revision of its shard. */
export type SessionListing = {
  /** @throws store_unavailable while there are none */
  served(shard: Shard): Promise<{ readonly generation: string; readonly revision: Revision }>;
  accounts(of: ListedGeneration, accounts: readonly string[]): Promise<Listed<ListedAccount>>;
  owners(of: ListedGeneration, owners: readonly string[]): Promise<Listed<ListedOwner>>;
  /** Some of the names that are held, and where to go on; `cursor` is undefined at the begin and at the end. */
  names(of: ListedGeneration, place: ListedName["place"], cursor?: string): Promise<ListedNames>;
  close(): Promise<void>;
};

export type ListedGeneration = { readonly shard: Shard; readonly generation: string };
type ListedNames = Listed<ListedName> & { readonly cursor: string | undefined };

/** Every script answers with the revision first; nil if the generation is not served or has lost keys. */
const listing = (items: string) =>
  redisScript(`${scriptNames("ARGV[1]")}
if redis.call('HGET', root, 'served') ~= ARGV[1] or not whole() then return nil end
local items = {}
local cursor = '0'
${items}
return {redis.call('HGET', base, 'revision'), items, cursor}
`);

const accountsScript = listing(`
for n = 2, #ARGV do
  local id = ARGV[n]
  local item = accountTexts(id)
  item[5] = redis.call('HGET', index, id)
  items[#items + 1] = item
end`);

const ownersScript = listing(`
for n = 2, #ARGV do
  local owner = ARGV[n]
  items[#items + 1] = {redis.call('HGET', index, 'o:' .. owner), movementsOf(owner)}
end`);

const fieldsScript = (of: "base" | "index") =>
  listing(`
local found
cursor, found = unpack(redis.call('HSCAN', ${of}, ARGV[2], 'COUNT', ARGV[3]))
for n = 1, #found, 2 do items[#items + 1] = found[n] end`);

const keysScript = listing(`
cursor, items = unpack(redis.call('SCAN', ARGV[2], 'MATCH', base .. ':*', 'COUNT', ARGV[3]))
for n, key in ipairs(items) do items[n] = string.sub(key, #base + 2) end`);

const nameScripts = { key: keysScript, account: fieldsScript("base"), index: fieldsScript("index") };

/** How many names one step looks at. */
const STEP = 500;

export function openSessionListing(redis: RedisClient, ledger = LEDGER): SessionListing {
  const key = (shard: Shard) => sessionsKey(ledger, shard);

  async function list(
    { shard, generation }: ListedGeneration,
    script: typeof keysScript,
    args: readonly (string | number)[],
  ) {
    const answer = await redis.run(script, [key(shard)], [generation, ...args]);
    if (!Array.isArray(answer)) throw notServed(shard);
    const [revision, items, cursor] = answer;
    return { revision: Number(revision), items: listOf(items), cursor: String(cursor) };
  }

  return {
    async served(shard) {
      const answer = await redis.run(servedScript, [key(shard)], []);
      if (!Array.isArray(answer)) throw notServed(shard);
      return { generation: String(answer[0]), revision: Number(answer[1]) };
    },
    async accounts(of, accounts) {
      const { revision, items } = await list(of, accountsScript, accounts);
      return {
        revision,
        items: items.map((item, n) => {
          const texts = listOf(item).map(textOf);
          return { account: accounts[n] ?? "", owner: texts[4] ?? null, texts: texts.slice(0, 4) };
        }),
      };
    },
    async owners(of, owners) {
      const { revision, items } = await list(of, ownersScript, owners);
      return {
        revision,
        items: items.map((item, n) => {
          const [counted, movements] = listOf(item);
          return { owner: owners[n] ?? "", counted: textOf(counted), movements: listOf(movements).map(String) };
        }),
      };
    },
    async names(of, place, cursor = "0") {
      const { revision, items, cursor: next } = await list(of, nameScripts[place], [cursor, STEP]);
      const names = items.map((name) => ({ place, name: String(name) }));
      return { revision, items: names, cursor: next === "0" ? undefined : next };
    },
    close: () => redis.close(),
  };
}

function notServed(shard: Shard): LedgerError {
  const text = `the session views of shard ${shard} are being filled from the log`;
  return new LedgerError("store_unavailable", text, { retryable: true });
}

function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
