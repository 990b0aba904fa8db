import {
  type Account,
  type AccountId,
  EVIDENCE_MAX,
  type EventId,
  type GoldRow,
  type GoldTables,
  isLedgerError,
  type Position,
  parsePosition,
  type Recommendation,
  rebrand,
} from "ledger-core";
import { numberOf, numberOfId } from "ledger-core/sql";
import type { QueryLimits } from "../limits.ts";
import type { ModelReader } from "../reading.ts";
import { readPaymentsAt } from "./payments.ts";
import { textIn } from "./reports.ts";

/** A recommendation of a trained model, as its job left it: the payments that it rests on may be refunded since. */
type TrainedRow = {
  /** The merchant's name in the tables, and a test for whose it is. */
  readonly merchant: string;
  readonly score: number;
  readonly evidence: readonly Position[];
};

type Trained = {
  readonly rows: readonly TrainedRow[];
  readonly modelVersion: string;
  /** The positions that the model was trained on. */
  readonly position: string | null;
  readonly pseudonymOf: GoldTables["pseudonymOf"];
};

/** Rows read beyond those asked for: some merchants may be shut, and some evidence refunded. */
const SPARE = 20;
/** The most payments that one row names. */
const PAYMENTS_MAX = 20;

/**
 * The rows of the trained model for an account. They are an addition: without them, or when they cannot be had in
 * time, there are none.
 */
export async function readTrained(
  gold: GoldTables | undefined,
  asked: { readonly tenant: string; readonly account: AccountId; readonly limit: number },
  { trainedMs }: Pick<QueryLimits, "trainedMs">,
): Promise<Trained | undefined> {
  if (!gold) return undefined;
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), trainedMs);
  try {
    return await Promise.race([readRows(gold, asked), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function readRows(
  gold: GoldTables,
  { tenant, account, limit }: { readonly tenant: string; readonly account: AccountId; readonly limit: number },
): Promise<Trained | undefined> {
  try {
    const key = { tenant, account };
    const rows = await gold.rows({ table: "recommendations", key, order: "asc", limit: limit + SPARE });
    const [first] = rows ?? [];
    if (!rows || !first) return undefined;
    const modelVersion = textIn(first, "model_version");
    const models = { table: "recommendation_models", key: { text: modelVersion }, order: "asc", limit: 1 } as const;
    const [model] = (await gold.rows(models)) ?? [];
    const position = model ? textIn(model, "positions") : null;
    const ofModel = rows.filter((row) => row.model_version === modelVersion);
    return { rows: ofModel.map(trainedRow), modelVersion, position, pseudonymOf: gold.pseudonymOf };
  } catch (error) {
    if (isLedgerError(error)) return undefined;
    throw error;
  }
}

function trainedRow(row: GoldRow): TrainedRow {
  const texts = textIn(row, "events").split(",", PAYMENTS_MAX);
  return {
    merchant: textIn(row, "merchant"),
    score: typeof row.score === "number" ? row.score : 0,
    evidence: texts.map((text) => parsePosition(text.trim())).filter((position) => position !== undefined),
  };
}

type StandingRecommendation = Recommendation & { readonly modelVersion: string; readonly position: string | null };

/**
 * Those of the trained recommendations that the models confirm: at least one payment to the merchant, by somebody
 * else, that was not refunded since; the merchant is open, and not the account owner's own. Undefined if the models
 * are behind the required positions.
 */
export async function standingOf(
  trained: Trained | undefined,
  models: ModelReader,
  { account, required }: { readonly account: Account; readonly required: readonly Position[] },
): Promise<readonly StandingRecommendation[] | undefined> {
  if (!trained) return [];
  const { rows, modelVersion, position, pseudonymOf } = trained;
  const numbers = new Map(rows.flatMap(({ evidence }) => evidence).map((one) => [numberOf(one), one]));
  if (numbers.size === 0) return [];
  const read = await models.read(required, (snapshot) =>
    readPaymentsAt(snapshot, account.tenant, [...numbers.values()]),
  );
  if (!read) return undefined;
  const kept = new Map(
    read.result
      .filter(({ payment }) => keepsMoney.has(payment.status))
      .map((paid) => [numberOfId(paid.payment.id), paid]),
  );
  const standing = new Map<AccountId, StandingRecommendation>();
  for (const { merchant: name, score, evidence } of rows) {
    const found = evidence.map((one) => kept.get(numberOf(one))).filter((paid) => paid !== undefined);
    for (const { payment, payee } of found) {
      if (payment.payer === account.id || payment.payee === account.id) continue;
      if (payee.type !== "merchant" || payee.status !== "open" || payee.owner === account.owner) continue;
      if ((await pseudonymOf(payment.payee)) !== name) continue;
      const events = found.map((paid): EventId => rebrand("evt", paid.payment.id)).slice(0, EVIDENCE_MAX);
      const merchant = payment.payee;
      if (!standing.has(merchant)) standing.set(merchant, { merchant, score, events, modelVersion, position });
      break;
    }
  }
  return [...standing.values()];
}

const keepsMoney: ReadonlySet<string> = new Set(["captured", "partially_captured", "partially_refunded"]);

type SourcedRecommendation = Recommendation & {
  readonly source: "graph" | "model" | "both";
  readonly modelVersion: string | null;
  readonly position: string | null;
};

/**
 * The recommendations of graph and model, best first. Their scores cannot be compared, so merchants that both name come
 * first, and those of one alone take turns after them; of each source, higher scores come first.
 */
export function merged(
  graph: { readonly recommendations: readonly Recommendation[]; readonly position: string },
  trained: readonly StandingRecommendation[],
  limit: number,
): readonly SourcedRecommendation[] {
  const { recommendations, position } = graph;
  const ofGraph = new Map(recommendations.map((one) => [one.merchant, one]));
  const both: SourcedRecommendation[] = [];
  const modelAlone: SourcedRecommendation[] = [];
  for (const one of trained.toSorted((a, b) => b.score - a.score)) {
    const other = ofGraph.get(one.merchant);
    const events = [...new Set([...one.events, ...(other?.events ?? [])])].slice(0, EVIDENCE_MAX);
    if (other) both.push({ ...one, events, source: "both" });
    else modelAlone.push({ ...one, events, source: "model" });
    ofGraph.delete(one.merchant);
  }
  const graphAlone = [...ofGraph.values()].map(
    (one): SourcedRecommendation => ({ ...one, source: "graph", modelVersion: null, position }),
  );
  const turns = Math.max(graphAlone.length, modelAlone.length);
  const alone = Array.from({ length: turns }, (_, n) => [graphAlone[n], modelAlone[n]]).flat();
  return [...both, ...alone.filter((one) => one !== undefined)].slice(0, limit);
}
