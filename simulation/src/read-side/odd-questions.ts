import type { Caller } from "ledger-core";
import type { Random } from "../random.ts";
import type { ReadQuestion } from "./questions.ts";

type Asked = Pick<ReadQuestion, "caller" | "path">;

const oddities = [
  ...["holder=me", "state=captured", "filter[owner]=me", "q=", "Limit=5", "limit=0", "limit=201", "limit=1e2"],
  ...["order=sideways", "from=yesterday", "minAmount=-1", "cursor=AAAA", "dryRun=true", "balance=0"],
];

/** A query with an unknown parameter, or an impossible value of one; an empty list would be a wrong answer. */
export function oddQuery({ caller, path }: Asked, random: Random): Asked {
  return { caller, path: `${path}${path.includes("?") ? "&" : "?"}${random.pick(oddities)}` };
}

/** A cursor that no page returned: used with another filter, order, path or caller. */
export function misused(caller: Caller, path: string, cursor: string, random: Random): Asked {
  const [route = "", parameters = ""] = path.split("?");
  const asked = new URLSearchParams(parameters);
  const variant = random.below(4);
  if (variant === 0) asked.set("from", asked.has("from") ? "2026-01-01T00:00:00Z" : "2020-01-01T00:00:00Z");
  if (variant === 1) asked.set("order", asked.get("order") === "asc" ? "desc" : "asc");
  const status = asked.get("status");
  if (variant === 2)
    asked.set(route.endsWith("/entries") ? "reference" : "status", status === "voided" ? "expired" : "voided");
  asked.set("cursor", cursor);
  const other = variant === 3 ? { ...caller, role: "operator" as const, sub: `${caller.sub}.` } : caller;
  return { caller: other, path: `${route}?${asked}` };
}
