import { Buffer } from "node:buffer";
import { status } from "@grpc/grpc-js";
import {
  AllStreamPosition,
  Any,
  AppendReq,
  AppendResp,
  BatchAppendReq,
  BatchAppendResp,
  Empty,
  MaximumAppendSizeExceeded,
  ReadResp,
  Status,
  StreamIdentifier,
  Timeout,
  UUID,
  WrongExpectedVersion,
} from "../../adapters/eventstoredb/stubs.ts";
import type { AppendResult, Expected, ProposedRecord, StoredRecord } from "./store.ts";

/** A decoded append request. */
export type ProposedAppend = {
  readonly stream: string;
  readonly expected: Expected;
  readonly events: readonly ProposedRecord[];
};

/** The server's answer to an append. */
export type AppendAnswer =
  | AppendResult
  | { readonly kind: "too_large"; readonly limit: number }
  | { readonly kind: "timeout" | "unknown" | "access_denied" };

export function uuidOf(uuid: UUID | undefined): string {
  const structured = uuid?.getStructured();
  if (!structured) return uuid?.getString().toLowerCase() ?? "";
  const half = (text: string) => BigInt.asUintN(64, BigInt(text)).toString(16).padStart(16, "0");
  const hex = half(structured.getMostSignificantBits()) + half(structured.getLeastSignificantBits());
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export function streamName(identifier: StreamIdentifier | undefined): string {
  return Buffer.from(identifier?.getStreamName_asU8() ?? []).toString("utf8");
}

export function readBatchOptions(options: InstanceType<typeof BatchAppendReq.Options>): Omit<ProposedAppend, "events"> {
  const cases = BatchAppendReq.Options.ExpectedStreamPositionCase;
  const stream = streamName(options.getStreamIdentifier());
  switch (options.getExpectedStreamPositionCase()) {
    case cases.STREAM_POSITION:
      return { stream, expected: Number(options.getStreamPosition()) };
    case cases.NO_STREAM:
      return { stream, expected: -1 };
    default:
      return { stream, expected: "any" };
  }
}

export function readUnaryOptions(options: InstanceType<typeof AppendReq.Options>): Omit<ProposedAppend, "events"> {
  const cases = AppendReq.Options.ExpectedStreamRevisionCase;
  const stream = streamName(options.getStreamIdentifier());
  switch (options.getExpectedStreamRevisionCase()) {
    case cases.REVISION:
      return { stream, expected: Number(options.getRevision()) };
    case cases.NO_STREAM:
      return { stream, expected: -1 };
    default:
      return { stream, expected: "any" };
  }
}

type ProposedMessage =
  | InstanceType<typeof BatchAppendReq.ProposedMessage>
  | InstanceType<typeof AppendReq.ProposedMessage>;

export function readProposed(message: ProposedMessage): ProposedRecord {
  return {
    id: uuidOf(message.getId()),
    type: message.getMetadataMap().get("type") ?? "",
    contentType: message.getMetadataMap().get("content-type") ?? "",
    metadata: message.getCustomMetadata_asU8(),
    data: message.getData_asU8(),
  };
}

/** Bytes of an append that count against the server's limit. */
export function sizeOf(events: readonly ProposedRecord[]): number {
  return events.reduce((sum, { type, metadata, data }) => sum + data.length + metadata.length + 2 * type.length, 0);
}

/** @param withPosition false for a repeat, which may be answered without a position */
export function batchAnswer(
  request: Omit<ProposedAppend, "events">,
  correlation: UUID | undefined,
  answer: AppendAnswer,
  withPosition: boolean,
): BatchAppendResp {
  const reply = new BatchAppendResp().setStreamIdentifier(identifier(request.stream));
  if (correlation) reply.setCorrelationId(correlation);
  if (request.expected === "any") reply.setAny(new Empty());
  else if (request.expected < 0) reply.setNoStream(new Empty());
  else reply.setStreamPosition(String(request.expected));
  if ("last" in answer) {
    const success = new BatchAppendResp.Success().setCurrentRevision(String(answer.last));
    if (withPosition) success.setPosition(positionOf(answer.position));
    else success.setNoPosition(new Empty());
    return reply.setSuccess(success);
  }
  return reply.setError(errorOf(answer, request.expected));
}

function positionOf(position: number): AllStreamPosition {
  return new AllStreamPosition().setCommitPosition(String(position)).setPreparePosition(String(position));
}

function errorOf(answer: Exclude<AppendAnswer, { last: number }>, expected: Expected): Status {
  const packed = (code: number, name: string, bytes: Uint8Array) => {
    const details = new Any();
    details.pack(bytes, `event_store.client.${name}`);
    return new Status().setCode(code).setMessage(name).setDetails(details);
  };
  switch (answer.kind) {
    case "wrong_revision": {
      const wrong = new WrongExpectedVersion();
      if (answer.current < 0) wrong.setCurrentNoStream(new Empty());
      else wrong.setCurrentStreamRevision(String(answer.current));
      if (expected === "any") wrong.setExpectedAny(new Empty());
      else if (expected < 0) wrong.setExpectedNoStream(new Empty());
      else wrong.setExpectedStreamPosition(String(expected));
      return packed(status.ALREADY_EXISTS, "WrongExpectedVersion", wrong.serializeBinary());
    }
    case "too_large": {
      const exceeded = new MaximumAppendSizeExceeded().setMaxappendsize(answer.limit);
      return packed(status.INVALID_ARGUMENT, "MaximumAppendSizeExceeded", exceeded.serializeBinary());
    }
    case "timeout":
      return packed(status.DEADLINE_EXCEEDED, "Timeout", new Timeout().serializeBinary());
    case "access_denied":
      return packed(status.PERMISSION_DENIED, "AccessDenied", new Empty().serializeBinary());
    case "unknown":
      return packed(status.UNKNOWN, "Unknown", new Empty().serializeBinary());
    default:
      return answer satisfies never;
  }
}

export function unaryAnswer(answer: AppendResult): AppendResp {
  if (answer.kind === "wrong_revision") {
    const wrong = new AppendResp.WrongExpectedVersion();
    if (answer.current < 0) wrong.setCurrentNoStream(new Empty());
    else wrong.setCurrentRevision(String(answer.current));
    return new AppendResp().setWrongExpectedVersion(wrong);
  }
  const position = new AppendResp.Position().setCommitPosition(String(answer.position));
  position.setPreparePosition(String(answer.position));
  const success = new AppendResp.Success().setCurrentRevision(String(answer.last)).setPosition(position);
  return new AppendResp().setSuccess(success);
}

export function eventMessage(stream: string, record: StoredRecord): ReadResp {
  const recorded = new ReadResp.ReadEvent.RecordedEvent();
  recorded.setId(new UUID().setString(record.id)).setStreamIdentifier(identifier(stream));
  recorded.setStreamRevision(String(record.revision));
  recorded.setPreparePosition(String(record.position)).setCommitPosition(String(record.position));
  const metadata = recorded.getMetadataMap();
  metadata.set("type", record.type).set("content-type", record.contentType);
  // .NET ticks: units of 100 ns.
  metadata.set("created", String(record.createdMs * 10_000));
  recorded.setCustomMetadata(record.metadata).setData(record.data);
  const event = new ReadResp.ReadEvent().setEvent(recorded).setCommitPosition(String(record.position));
  return new ReadResp().setEvent(event);
}

export function confirmationMessage(id: string): ReadResp {
  return new ReadResp().setConfirmation(new ReadResp.SubscriptionConfirmation().setSubscriptionId(id));
}

export function caughtUpMessage(): ReadResp {
  return new ReadResp().setCaughtUp(new ReadResp.CaughtUp());
}

export function notFoundMessage(stream: string): ReadResp {
  return new ReadResp().setStreamNotFound(new ReadResp.StreamNotFound().setStreamIdentifier(identifier(stream)));
}

function identifier(stream: string): StreamIdentifier {
  return new StreamIdentifier().setStreamName(Buffer.from(stream));
}
