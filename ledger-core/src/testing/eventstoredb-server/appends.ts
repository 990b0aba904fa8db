import { type ServerDuplexStream, type ServerReadableStream, type sendUnaryData, status } from "@grpc/grpc-js";
import type { AppendReq, AppendResp, BatchAppendReq, BatchAppendResp } from "../../adapters/eventstoredb/stubs.ts";
import type { AppendFault } from "./faults.ts";
import {
  type AppendAnswer,
  batchAnswer,
  type ProposedAppend,
  readBatchOptions,
  readProposed,
  readUnaryOptions,
  sizeOf,
  unaryAnswer,
  uuidOf,
} from "./messages.ts";
import { refusal, type ServerNode } from "./node.ts";
import type { ProposedRecord } from "./store.ts";

type BatchCall = ServerDuplexStream<BatchAppendReq, BatchAppendResp>;
/** The chunks of an append received so far. */
type Gathering = { readonly options: Omit<ProposedAppend, "events">; readonly events: ProposedRecord[] };

/** Serves a BatchAppend call: one batch after another, each with its own correlation id. */
export function batchAppend(node: ServerNode, call: BatchCall): void {
  const refused = node.refuse(call);
  if (refused) return void call.emit("error", refused);
  const gathering = new Map<string, Gathering>();
  node.track(call);
  call.on("error", () => undefined);
  call.on("end", () => call.end());
  call.on("data", (request: BatchAppendReq) => {
    const correlation = uuidOf(request.getCorrelationId());
    const options = request.getOptions();
    const begun = gathering.get(correlation) ?? (options && { options: readBatchOptions(options), events: [] });
    if (!begun) return;
    for (const message of request.getProposedMessagesList()) begun.events.push(readProposed(message));
    gathering.set(correlation, begun);
    if (!request.getIsFinal()) return;
    gathering.delete(correlation);
    node.counts.appends++;
    const append = { ...begun.options, events: begun.events };
    const answer = (given: AppendAnswer, withPosition = true) => {
      if (!call.writable || call.cancelled) return;
      call.write(batchAnswer(begun.options, request.getCorrelationId(), given, withPosition));
    };
    void play(node, call, append, node.faults.takeAppend(), answer);
  });
}

/** Appends, or applies the fault instead. */
async function play(
  node: ServerNode,
  call: BatchCall,
  append: ProposedAppend,
  fault: AppendFault | undefined,
  answer: (given: AppendAnswer, withPosition?: boolean) => void,
): Promise<void> {
  if (fault === undefined || typeof fault === "object") {
    if (fault) await fault.late;
    const given = write(node, append);
    const held = node.faults.replication;
    await held;
    return answer(given, !held && given.kind === "written");
  }
  if (fault === "silence" || fault === "no_reply") return void (fault === "no_reply" && write(node, append));
  if (fault === "no_position") return answer(write(node, append), false);
  if (fault === "unknown" || fault === "access_denied") return answer({ kind: fault });
  if (fault === "timeout_after_write" || fault === "timeout_before_write") {
    if (fault === "timeout_after_write") write(node, append);
    return answer({ kind: "timeout" });
  }
  if (fault === "drop_after_write" || fault === "drop_before_write") {
    if (fault === "drop_after_write") write(node, append);
    return node.cut(call);
  }
  if (fault === "end_after_write" || fault === "end_before_write") {
    if (fault === "end_after_write") write(node, append);
    return void call.end();
  }
  call.emit("error", fault === "not_leader" ? node.notLeader() : refusal(fault));
}

function write({ store, appendBytesMax }: ServerNode, { stream, expected, events }: ProposedAppend): AppendAnswer {
  if (sizeOf(events) > appendBytesMax) return { kind: "too_large", limit: appendBytesMax };
  return store.append(stream, expected, events);
}

/** Serves the unary append, for clients that do not use BatchAppend. */
export function unaryAppend(
  node: ServerNode,
  call: ServerReadableStream<AppendReq, AppendResp>,
  answer: sendUnaryData<AppendResp>,
): void {
  const refused = node.refuse(call);
  if (refused) return void answer(refused);
  let options: Omit<ProposedAppend, "events"> | undefined;
  const events: ProposedRecord[] = [];
  call.on("data", (request: AppendReq) => {
    const [given, message] = [request.getOptions(), request.getProposedMessage()];
    if (given) options = readUnaryOptions(given);
    if (message) events.push(readProposed(message));
  });
  call.on("end", () => {
    const given = options ? write(node, { ...options, events }) : { kind: "unknown" as const };
    if ("last" in given || given.kind === "wrong_revision") answer(null, unaryAnswer(given));
    else answer({ code: status.INVALID_ARGUMENT, details: given.kind });
  });
}
