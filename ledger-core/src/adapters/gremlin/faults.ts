import { LedgerError } from "../../domain/errors.ts";

/**
 * A fault of a request. `exists`: an element with this id exists already. `later`: the server asks to repeat it after a
 * pause. `refused`: it never succeeds. `lost`: it may have been executed, and the connection is of no further use.
 */
export type GremlinFault =
  | { readonly kind: "exists" | "refused" | "failed" | "lost" }
  | { readonly kind: "later"; readonly afterMs: number | undefined };

/** Cosmos DB's own status codes, which are in the attributes of an answer with status 500. */
const cosmosKinds: Readonly<Record<number, "exists" | "refused" | "lost" | "later">> = {
  401: "lost",
  403: "lost",
  409: "exists",
  // The element has changed meanwhile.
  412: "later",
  429: "later",
  449: "later",
  1004: "refused",
  1007: "later",
  1008: "later",
};

export function faultOf(error: unknown): GremlinFault {
  if (error instanceof LedgerError) return { kind: "failed" };
  const status = statusOf(error);
  // The driver's error for a lost connection has no code.
  if (!status) return { kind: "lost" };
  const { code, message, attributes } = status;
  const cosmos = Number(attributes["x-ms-status-code"]);
  if (Number.isFinite(cosmos) && cosmos !== 0 && cosmos !== 200) {
    const kind = cosmosKinds[cosmos] ?? "failed";
    return kind === "later" ? { kind, afterMs: timeSpanMs(attributes["x-ms-retry-after-ms"]) } : { kind };
  }
  if (code === 597 && /with id already exists/.test(message)) return { kind: "exists" };
  if (code === 401) return { kind: "lost" };
  // The request is malformed.
  if (code === 498 || code === 499) return { kind: "refused" };
  return { kind: "failed" };
}

type Status = { readonly code: number; readonly message: string; readonly attributes: Record<string, unknown> };

function statusOf(error: unknown): Status | undefined {
  if (!(error instanceof Error) || !("statusCode" in error)) return undefined;
  const attributes = "statusAttributes" in error ? error.statusAttributes : undefined;
  return {
    code: Number(error.statusCode),
    message: error.message,
    attributes: { ...(typeof attributes === "object" && attributes !== null && attributes) },
  };
}

const timeSpanForm = /^(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?$/;

/** The milliseconds of a .NET TimeSpan, such as 00:00:09.0530000; undefined for any other text. */
export function timeSpanMs(text: unknown): number | undefined {
  const found = typeof text === "string" ? timeSpanForm.exec(text) : null;
  if (!found) return undefined;
  const [, days = "0", hours = "0", minutes = "0", seconds = "0", fraction = ""] = found;
  const whole = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  return whole * 1000 + Math.ceil(Number(fraction.padEnd(7, "0")) / 10_000);
}

/** The operating error of a fault. */
export function graphError(error: unknown): LedgerError {
  if (error instanceof LedgerError) return error;
  const { kind } = faultOf(error);
  const why = error instanceof Error ? error.message.replace(/\s+/g, " ").slice(0, 300) : String(error);
  if (kind === "refused") return new LedgerError("incompatible", `the graph refuses a request: ${why}`);
  return new LedgerError("store_unavailable", `the graph cannot be used: ${why}`, { retryable: true, cause: error });
}
