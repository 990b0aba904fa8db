import { type ProblemCode, problemKind } from "../problem-codes.ts";
import { requestInstance } from "../problems.ts";

/** For each status a problem that may come with it, and what it may say. */
const shown = {
  400: ["invalid_query", "limit must be a number from 1 to 200.", "/limit"],
  401: ["unauthorized", "The token has expired."],
  403: ["forbidden", "Your role may not do this."],
  408: ["request_timeout", "Headers and body must arrive within 30 seconds."],
  409: ["idempotency_key_in_progress", "The first request under this key has no answer yet. Repeat it later."],
  413: ["body_too_large", "A body holds at most 64 KiB, that of a bulk 4 MiB."],
  415: ["unsupported_media_type", "Bodies are application/json in UTF-8, without a content encoding."],
  422: ["invalid_request", "must be a known currency", "/currency"],
  429: ["too_many_requests", "The caller has as many requests under way or waiting as it may."],
  431: ["header_too_large", "The request's headers hold at most 16 KiB together."],
  503: ["not_ready", "The service is starting. Repeat the request under the same key after Retry-After."],
} as const satisfies Readonly<Record<number, readonly [code: ProblemCode, detail: string, pointer?: string]>>;

const codeByStatus = new Map<number, readonly [code: ProblemCode, detail: string, pointer?: string]>(
  Object.entries(shown).map(([status, problem]) => [Number(status), problem]),
);

/** The body of a problem with this status at this path, for the reference. */
export function problemExample(status: number, path: string): object | undefined {
  const found = status === 404 ? absence(path) : codeByStatus.get(status);
  if (found === undefined) return undefined;
  const [code, detail, pointer] = found;
  const { title } = problemKind(code);
  const instance = requestInstance("3f9a0c5d71e2-1a");
  const body = { type: `/problems/${code}`, title, status, code, detail, instance };
  return pointer === undefined ? body : { ...body, errors: [{ pointer, detail }] };
}

function absence(path: string): readonly [ProblemCode, string, string?] {
  const objects = ["payment", "transfer", "refund", "top-up", "payout", "session"] as const;
  const object = objects.find((name) => path.startsWith(`/v1/${name}s/`)) ?? "account";
  const detail = `There is no such ${object}, or none that the caller may see.`;
  return object === "top-up" ? ["top_up_not_found", detail] : [`${object}_not_found`, detail];
}
