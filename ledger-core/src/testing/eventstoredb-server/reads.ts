import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { ServerWritableStream } from "@grpc/grpc-js";
import { ReadReq, type ReadResp } from "../../adapters/eventstoredb/stubs.ts";
import type { ReadFault } from "./faults.ts";
import { caughtUpMessage, confirmationMessage, eventMessage, notFoundMessage, streamName } from "./messages.ts";
import { refusal, type ServerNode } from "./node.ts";
import type { StoredRecord } from "./store.ts";

type Call = ServerWritableStream<ReadReq, ReadResp>;

/** Events read from the store at once. */
const PAGE_EVENTS = 500;

type Wanted = {
  readonly stream: string;
  /** The first revision; for a backwards read, the last. */
  readonly from: number;
  readonly backwards: boolean;
  readonly count: number | "subscribe";
};

/** Serves a read or a subscription of one stream. */
export async function read(node: ServerNode, call: Call): Promise<void> {
  const refused = node.refuse(call);
  if (refused) return void call.emit("error", refused);
  node.track(call);
  node.counts.reads++;
  call.on("error", () => undefined);
  const sending = new Sending(node, call, node.faults.takeRead());
  const wanted = readWanted(call.request, node);
  if (wanted.count === "subscribe") await subscribe(node, call, wanted, sending);
  else await readOnce(node, wanted, wanted.count, sending);
  if (!sending.over) call.end();
}

function readWanted(request: ReadReq, node: ServerNode): Wanted {
  const options = request.getOptions();
  const place = options?.getStream();
  const stream = streamName(place?.getStreamIdentifier());
  const backwards = options?.getReadDirection() === ReadReq.Options.ReadDirection.BACKWARDS;
  const subscribes = options?.hasSubscription() ?? false;
  const cases = ReadReq.Options.StreamOptions.RevisionOptionCase;
  const head = node.store.head(stream);
  const given = place?.getRevisionOptionCase();
  const from =
    given === cases.END
      ? subscribes
        ? head + 1
        : head
      : given === cases.START
        ? backwards
          ? -1
          : 0
        : place
          ? Number(place.getRevision()) + (subscribes ? 1 : 0)
          : 0;
  return { stream, from, backwards, count: subscribes ? "subscribe" : Number(options?.getCount() ?? 0) };
}

async function readOnce(node: ServerNode, wanted: Wanted, count: number, sending: Sending): Promise<void> {
  const { stream, from, backwards } = wanted;
  if (node.store.head(stream) < 0) return sending.send(notFoundMessage(stream));
  if (backwards) {
    const first = Math.max(0, from - count + 1);
    for (const record of node.store.read(stream, first, from - first + 1).toReversed())
      await sending.sendEvent(stream, record);
    return;
  }
  let left = count;
  for (let next = from; left > 0 && !sending.over; ) {
    const page = node.store.read(stream, next, Math.min(left, PAGE_EVENTS));
    for (const record of page) await sending.sendEvent(stream, record);
    const last = page.at(-1);
    if (!last) return;
    left -= page.length;
    next = last.revision + 1;
  }
}

/** Sends the history, "caught up", and then new events as they are appended; "caught up" again after each catch-up. */
async function subscribe(node: ServerNode, call: Call, { stream, from }: Wanted, sending: Sending): Promise<void> {
  await sending.send(confirmationMessage(randomUUID()));
  let told = false;
  for (let next = from; !sending.over; ) {
    const arrived = Promise.withResolvers<void>();
    const ended = () => arrived.resolve();
    const forget = node.store.onAppended((appended) => appended === stream && arrived.resolve());
    call.once("close", ended);
    call.once("cancelled", ended);
    const page = node.store.read(stream, next, PAGE_EVENTS);
    for (const record of page) await sending.sendEvent(stream, record);
    const last = page.at(-1);
    if (last) {
      next = last.revision + 1;
      told = false;
    } else {
      if (!told) await sending.send(caughtUpMessage());
      told = true;
      await Promise.race([arrived.promise, sending.ended]);
    }
    forget();
    call.off("close", ended);
    call.off("cancelled", ended);
  }
}

/** Sends the messages of a call at the client's pace until a fault strikes. */
class Sending {
  readonly #node: ServerNode;
  readonly #call: Call;
  readonly #fault: ReadFault | undefined;
  readonly #ended = Promise.withResolvers<void>();
  #events = 0;
  #over = false;

  constructor(node: ServerNode, call: Call, fault: ReadFault | undefined) {
    this.#node = node;
    this.#call = call;
    this.#fault = fault;
    const end = () => {
      this.#over = true;
      this.#ended.resolve();
    };
    call.once("close", end);
    call.once("cancelled", end);
    call.once("error", end);
  }

  /** Whether the call is over. */
  get over(): boolean {
    return this.#over || this.#call.cancelled;
  }
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  async sendEvent(stream: string, record: StoredRecord): Promise<void> {
    if (this.#fault && this.#events === this.#fault.after) return this.#strike(this.#fault.kind);
    this.#events++;
    await this.send(eventMessage(stream, record));
  }

  async send(message: ReadResp): Promise<void> {
    if (this.over || this.#call.write(message)) return;
    await Promise.race([once(this.#call, "drain").catch(() => undefined), this.ended]);
  }

  async #strike(kind: ReadFault["kind"]): Promise<void> {
    if (this.over) return;
    // A silent call ends only when the client cancels it.
    if (kind === "silence") return this.ended;
    this.#over = true;
    if (kind === "drop") this.#node.cut(this.#call);
    else if (kind === "end") this.#call.end();
    else this.#call.emit("error", kind === "not_leader" ? this.#node.notLeader() : refusal(kind));
    this.#ended.resolve();
  }
}
