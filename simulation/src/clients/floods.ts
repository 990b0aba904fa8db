import type { Micros, OpenAccount } from "ledger-core";
import type { Auditor } from "../auditor/auditor.ts";
import { zoneOffsetsMinutes } from "../auditor/books.ts";
import type { Random } from "../random.ts";
import { opening } from "./commands.ts";
import { type BulkShape, bulkIntent, bulkQuestion, commandIntent, type Intent, type Question } from "./intents.ts";
import { currency, operator } from "./wishes.ts";

/** A burst of a hostile client's requests that cost the ledger more than the client. */
export const floodKinds = [
  "kind_flood",
  "account_hoard",
  "giant_bulk",
  "duplicate_items",
  "fault_flood",
  "dry_run_flood",
] as const;
export type FloodKind = (typeof floodKinds)[number];

type Flood = { readonly intents: readonly Intent[]; readonly questions: readonly Question[] };

type FloodOptions = {
  readonly auditor: Auditor;
  readonly random: Random;
  readonly now: () => Micros;
  readonly name: () => string;
  /** Earlier requests, some of which a bulk may repeat. */
  readonly earlier: readonly Intent[];
};

const currencies = ["HKD", "JPY", "EUR", "USD", "KWD", "CLP", "BHD", "VND"].map(currency);
const types = ["wallet", "merchant", "bank", "revenue", "suspense"] as const;
const HOARDER = "hoarder";

export function flood(kind: FloodKind, options: FloodOptions): Flood {
  const { auditor, random, now, name, earlier } = options;
  const bulk = (shape: BulkShape): Flood => ({
    intents: [bulkIntent(auditor, random, now(), `b${name()}`, earlier, shape)],
    questions: [],
  });
  const many = <T>(most: number, make: () => T): T[] => Array.from({ length: random.between(2, most) }, make);
  switch (kind) {
    case "kind_flood": {
      const questions = many(40, (): Question => {
        const command = { ...anyKind(random), timeZone: random.pick(Object.keys(zoneOffsetsMinutes)) };
        return { caller: operator("north"), key: `dry${name()}`, what: { kind: "command", command } };
      });
      const intents = many(4, () => commandIntent(auditor, operator("north"), anyKind(random), `k${name()}`));
      return { questions, intents };
    }
    case "account_hoard": {
      const open = () => opening(random, random.pick(["wallet", "wallet", "merchant"]), HOARDER);
      const intents = many(40, () => commandIntent(auditor, operator("north"), open(), `k${name()}`));
      return { intents, questions: [] };
    }
    case "giant_bulk":
      return bulk({ length: random.pick([50, 120, 250]), duplicates: 0.05, faults: 0.05 });
    case "duplicate_items":
      return bulk({ length: random.between(5, 40), duplicates: 0.8, faults: 0 });
    case "fault_flood":
      return bulk({
        length: random.between(20, 150),
        duplicates: 0.05,
        faults: random.pick([0.7, 1]),
      });
    case "dry_run_flood": {
      const shape = { length: 3, duplicates: 0.3, faults: 0.1 };
      return {
        intents: [],
        questions: many(60, () => bulkQuestion(auditor, random, now(), `dry${name()}`, earlier, shape)),
      };
    }
    default:
      return kind satisfies never;
  }
}

/** An account with unique values, as far as possible. */
function anyKind(random: Random): OpenAccount {
  const command = opening(random, random.pick(types), `owner-${random.below(1_000_000)}`);
  const limits = { floor: null, perTransaction: BigInt(random.between(1, 1_000_000)), perDay: null };
  return { ...command, currency: random.pick(currencies), limits };
}
