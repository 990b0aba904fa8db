import { expect, test } from "vitest";
import { idBytes } from "../../domain/ids.ts";
import { encodeFrames } from "../../ports/frame-bytes.ts";
import { makeEvents } from "../../testing/event-log-events.ts";
import { sealFrames } from "../frames.ts";
import { encodeAppend } from "./append-request.ts";
import { BatchAppendReq } from "./stubs.ts";

test.each([0, 1, 127, 128, 16_383, 16_384, 200_000])(
  "the generated code reads events of %i bytes as written",
  (size) => {
    const events = makeEvents(5, 3, { size }).map((event, nth) => ({
      ...event,
      type: `T${"y".repeat([0, 130, 254][nth] ?? 0)}`,
    }));
    const batch = sealFrames(0, 5, encodeFrames(events));
    const { bytes, correlation } = encodeAppend("ledger-0", batch);
    const request = BatchAppendReq.deserializeBinary(bytes);
    expect(request.getCorrelationId()?.getString()).toBe(correlation);
    expect(request.getOptions()?.getStreamPosition()).toBe("4");
    expect(request.getIsFinal()).toBe(true);
    const read = request.getProposedMessagesList().map((message) => ({
      id: Buffer.from((message.getId()?.getString() ?? "").replaceAll("-", ""), "hex"),
      type: message.getMetadataMap().get("type"),
      contentType: message.getMetadataMap().get("content-type"),
      leaf: Buffer.from(message.getCustomMetadata_asU8().subarray(11)),
      data: Buffer.from(message.getData_asU8()),
    }));
    expect(read).toEqual(
      events.map(({ id, type, data }, nth) => ({
        ...{ id: Buffer.from(idBytes(id)), type, contentType: "application/octet-stream", data: Buffer.from(data) },
        leaf: batch.leaves.subarray(nth * 32, nth * 32 + 32),
      })),
    );
  },
);
