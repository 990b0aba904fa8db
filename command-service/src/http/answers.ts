import {
  type AccountEvent,
  accountBody,
  formatPosition,
  type LedgerEvent,
  type PaymentEvent,
  paymentText,
  payoutBody,
  refundBody,
  type Shard,
  topUpBody,
  transferBody,
} from "ledger-core";
import { listedFaults, problemKind } from "ledger-core/http";
import { eventInstance, type FieldFault, problemBody } from "ledger-core/http/problems";
import type { BulkAnswer, BulkItemAnswer, ItemFault } from "../writer-port.ts";

/** An answer ready to send; `problem`: the command was refused. */
export type RenderedAnswer = { readonly status: number; readonly body: string; readonly problem: boolean };

/** Renders the answer to a command from its answering event alone, so that a repeat always gets the same bytes. */
export function renderAnswer(event: LedgerEvent): RenderedAnswer {
  const { fact } = event;
  switch (fact.type) {
    case "AccountOpened":
      return accountAnswer(201, fact);
    case "AccountFrozen":
    case "AccountUnfrozen":
    case "AccountClosed":
      return accountAnswer(200, fact);
    case "TransferPosted":
      return success(201, transferBody({ ...event, fact }));
    case "TopUpSettled":
      return success(201, topUpBody({ ...event, fact }));
    case "PayoutSettled":
      return success(201, payoutBody({ ...event, fact }));
    case "PaymentCharged":
    case "PaymentAuthorized":
      return paymentAnswer(201, fact);
    case "PaymentCaptured":
    case "PaymentVoided":
      return paymentAnswer(200, fact);
    case "PaymentRefunded":
      return success(201, refundBody({ ...event, fact }));
    case "AccountChangeDeclined":
    case "TransferDeclined":
    case "TopUpDeclined":
    case "PayoutDeclined":
    case "PaymentDeclined":
    case "CaptureDeclined":
    case "VoidDeclined":
    case "RefundDeclined":
      return refusal(fact, eventInstance(event.id));
    case "WriterEpochStarted":
    case "PaymentExpired":
    case "BulkRecorded":
      throw new Error(`${fact.type} answers no single command`);
    default:
      return fact satisfies never;
  }
}

function success(status: number, body: object): RenderedAnswer {
  return { status, body: JSON.stringify(body), problem: false };
}

function accountAnswer(status: number, fact: AccountEvent): RenderedAnswer {
  return success(status, accountBody(fact.account));
}

function paymentAnswer(status: number, fact: PaymentEvent): RenderedAnswer {
  return { status, body: paymentText(fact.payment), problem: false };
}

function refusal(
  problem: { readonly code: string; readonly detail: string; readonly errors?: readonly FieldFault[] },
  instance: string,
): RenderedAnswer {
  return { status: problemKind(problem.code).status, body: problemBody(problem, instance), problem: true };
}

/**
 * Renders the answer to a bulk: one result per item, in order. A dry run has no positions.
 * @param refused called with the code of each refusal
 */
export function renderBulk(
  answer: Extract<BulkAnswer, { kind: "recorded" }>,
  dryRun: boolean,
  refused: (code: string) => void = () => {},
): RenderedAnswer {
  const faults = new Map<ItemFault, readonly [string, string]>();
  let body = '{"results":[';
  let index = 0;
  for (const result of answer.results) {
    if (index > 0) body += ",";
    if (result.kind !== "made") refused(codeOf(result));
    body +=
      result.kind === "fault"
        ? renderFault(faults, result.fault, index)
        : renderItem(result, answer.position.shard, dryRun);
    index++;
  }
  return { status: 200, body: `${body}]}`, problem: false };
}

function codeOf(result: Exclude<BulkItemAnswer, { kind: "made" }>): string {
  if (result.kind === "fault") return result.fault.code;
  return "code" in result.event.fact ? result.event.fact.code : "other";
}

/** Ids and positions need no JSON escapes, so a successful item is written directly. */
function renderItem(result: Exclude<BulkItemAnswer, { kind: "fault" }>, shard: Shard, dryRun: boolean): string {
  if (result.kind === "made") {
    // One template each: joining few pieces costs less than nesting them.
    if (dryRun) return `{"status":201,"id":"${result.id}"}`;
    return `{"status":201,"id":"${result.id}","position":"${shard}:${result.revision}"}`;
  }
  const position = dryRun ? "" : `,"position":"${formatPosition(result.event)}"`;
  const { status, body } = renderAnswer(result.event);
  return `{"status":${status}${position},"problem":${body}}`;
}

/** Renders each distinct fault once: the problems of items that share a fault differ only in the index. */
function renderFault(rendered: Map<ItemFault, readonly [string, string]>, fault: ItemFault, index: number): string {
  let parts = rendered.get(fault);
  if (!parts) {
    const { code, detail, errors, more = 0 } = fault;
    const { status, body } = refusal({ code, detail, errors: listedFaults(errors, more) }, ITEM);
    const at = body.indexOf(`"instance":"${ITEM}"`) + `"instance":"${ITEM}`.length;
    parts = [`{"status":${status},"problem":${body.slice(0, at)}`, `${body.slice(at)}}`];
    rendered.set(fault, parts);
  }
  return `${parts[0]}${index}${parts[1]}`;
}

const ITEM = "urn:payledger:item:";
