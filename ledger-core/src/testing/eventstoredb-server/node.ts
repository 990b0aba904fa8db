import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { Metadata, type ServerErrorResponse, status } from "@grpc/grpc-js";
import type { ServerFaults } from "./faults.ts";
import type { StreamStore } from "./store.ts";

export type NodeEnd = { readonly host: string; readonly port: number };

export type NodeOptions = {
  readonly store: StreamStore;
  readonly faults: ServerFaults;
  /** Larger appends are refused. Default 1,048,576, as in versions up to 25. */
  readonly appendBytesMax?: number;
  /** The only user who may call; anybody if absent. */
  readonly user?: { readonly name: string; readonly password: string } | undefined;
};

/** The members of a call that every handler uses. */
type AnyCall = {
  readonly metadata: Metadata;
  getPeer(): string;
  emit(event: "error", error: ServerErrorResponse): boolean;
  once(event: "close" | "cancelled", listener: () => void): unknown;
};

/** One node of a cluster: its store, its login, and whether it is the leader. */
export class ServerNode {
  readonly store: StreamStore;
  readonly faults: ServerFaults;
  readonly appendBytesMax: number;
  /** Calls served, by kind. */
  readonly counts = { appends: 0, reads: 0 };
  readonly #login: string | undefined;
  readonly #sockets = new Map<string, Socket>();
  readonly #calls = new Set<AnyCall>();
  /** Undefined if this node is the leader. */
  #leader: NodeEnd | undefined;

  constructor({ store, faults, appendBytesMax = 2 ** 20, user }: NodeOptions) {
    this.store = store;
    this.faults = faults;
    this.appendBytesMax = appendBytesMax;
    this.#login = user && `Basic ${Buffer.from(`${user.name}:${user.password}`).toString("base64")}`;
  }

  get leads(): boolean {
    return this.#leader === undefined;
  }

  /** Makes another node the leader: ends the calls that need a leader, and refuses new ones. */
  follow(leader: NodeEnd): void {
    this.#leader = leader;
    for (const call of this.#calls) if (needsLeader(call)) call.emit("error", this.notLeader());
  }

  lead(): void {
    this.#leader = undefined;
  }

  /** The error to refuse a call with; undefined if it may proceed. */
  refuse(call: Pick<AnyCall, "metadata">): ServerErrorResponse | undefined {
    const login = call.metadata.get("authorization")[0];
    if (this.#login !== undefined && login !== this.#login) return refusal("unauthenticated");
    return !this.leads && needsLeader(call) ? this.notLeader() : undefined;
  }

  notLeader(): ServerErrorResponse {
    const { host = "127.0.0.1", port = 1 } = this.#leader ?? {};
    const metadata = new Metadata();
    metadata.set("exception", "not-leader");
    metadata.set("leader-endpoint-host", host);
    metadata.set("leader-endpoint-port", String(port));
    return Object.assign(new Error("Leader info available"), { code: status.NOT_FOUND, metadata });
  }

  track(call: AnyCall): void {
    this.#calls.add(call);
    call.once("close", () => this.#calls.delete(call));
    call.once("cancelled", () => this.#calls.delete(call));
  }

  connected(socket: Socket): void {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#sockets.set(peer, socket);
    socket.once("close", () => this.#sockets.delete(peer));
    socket.on("error", () => undefined);
  }

  /** Cuts the connection of a call. */
  cut(call: Pick<AnyCall, "getPeer">): void {
    this.#sockets.get(call.getPeer())?.resetAndDestroy();
  }

  cutAll(): void {
    for (const socket of this.#sockets.values()) socket.resetAndDestroy();
  }
}

function needsLeader({ metadata }: Pick<AnyCall, "metadata">): boolean {
  return metadata.get("requires-leader")[0] === "true";
}

export function refusal(kind: "unavailable" | "unauthenticated" | "cancelled"): ServerErrorResponse {
  const codes = {
    unavailable: status.UNAVAILABLE,
    unauthenticated: status.UNAUTHENTICATED,
    cancelled: status.CANCELLED,
  };
  return Object.assign(new Error(kind), { code: codes[kind] });
}
