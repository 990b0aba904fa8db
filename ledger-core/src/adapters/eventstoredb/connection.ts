import { ChannelCredentials, type ChannelOptions, Metadata } from "@grpc/grpc-js";
import { LedgerError } from "../../domain/errors.ts";
import type { EsdbAddress, NodeAddress } from "./address.ts";
import { closedError, exceptionOf, leaderNamedBy, unavailable } from "./faults.ts";
import { chooseMember } from "./members.ts";
import { Empty, ServerFeaturesClient, StreamsClient } from "./stubs.ts";

export type EsdbConnectionOptions = {
  readonly address: EsdbAddress;
  /** Makes a node that is not the leader refuse calls. */
  readonly requiresLeader: boolean;
  /** Timeout of the first call to a node. */
  readonly connectTimeoutMs: number;
};

/** A node that has answered; used until a call to it fails. */
export type Connected = { readonly node: NodeAddress; readonly streams: StreamsClient; readonly metadata: Metadata };

/** EventStoreDB can deliver events of up to 16 MiB. */
const RECEIVE_BYTES_MAX = 17 * 2 ** 20;

/**
 * The current node and its channel. Its sockets are not shared, so faults of other connections to the same server do
 * not affect it.
 */
export class EsdbConnection {
  readonly #options: EsdbConnectionOptions;
  readonly #credentials: ChannelCredentials;
  readonly #metadata = new Metadata();
  #connecting: Promise<Connected> | undefined;
  #connected: Connected | undefined;
  /** The leader that the last error named. */
  #leader: NodeAddress | undefined;
  #turn = 0;
  #closed = false;

  constructor(options: EsdbConnectionOptions) {
    const { tls, user } = options.address;
    this.#options = options;
    this.#credentials = tls
      ? ChannelCredentials.createSsl(tls.ca, tls.key, tls.certificate)
      : ChannelCredentials.createInsecure();
    this.#metadata.set("connection-name", "payledger");
    if (options.requiresLeader) this.#metadata.set("requires-leader", "true");
    if (user) {
      const login = Buffer.from(`${user.name}:${user.password}`).toString("base64");
      this.#metadata.set("authorization", `Basic ${login}`);
    }
  }

  /** Returns the current node, or connects to one that answers. @throws log_unavailable */
  async ready(): Promise<Connected> {
    if (this.#connected) return this.#connected;
    if (this.#closed) throw closedError();
    this.#connecting ??= this.#connect();
    try {
      this.#connected = await this.#connecting;
      return this.#connected;
    } finally {
      this.#connecting = undefined;
    }
  }

  /**
   * Drops the node after a failed call; the next call goes to the leader that the error names, or to a newly chosen
   * node.
   */
  failed(connected: Connected, error: unknown): void {
    if (this.#connected !== connected) return;
    this.#connected = undefined;
    this.#leader = leaderNamedBy(error);
    // Calls in progress on this channel continue until they fail.
    connected.streams.close();
  }

  close(): void {
    this.#closed = true;
    this.#connected?.streams.close();
    this.#connected = undefined;
  }

  async #connect(): Promise<Connected> {
    const node = await this.#chooseNode();
    const streams = new StreamsClient(`${node.host}:${node.port}`, this.#credentials, this.#channelOptions());
    try {
      await this.#assertServed(streams);
    } catch (error) {
      streams.close();
      throw error instanceof LedgerError ? error : unavailable(node, error, "connecting");
    }
    if (this.#closed) {
      streams.close();
      throw closedError();
    }
    return { node, streams, metadata: this.#metadata };
  }

  /** Picks the leader that an error named, a member that the cluster reports, or the only node. */
  async #chooseNode(): Promise<NodeAddress> {
    const { address, requiresLeader, connectTimeoutMs } = this.#options;
    const named = this.#leader;
    this.#leader = undefined;
    if (named) return named;
    const seed = address.nodes[this.#turn++ % address.nodes.length];
    if (!seed) throw new LedgerError("config", "the address of the event log names no node");
    if (!address.discover) return seed;
    const preference = requiresLeader ? "leader" : address.readFrom;
    const options = { credentials: this.#credentials, channelOptions: this.#channelOptions(), connectTimeoutMs };
    return chooseMember(seed, preference, options);
  }

  /** Makes one small call that shows the node is reachable, speaks the protocol and supports BatchAppend. */
  #assertServed(streams: StreamsClient): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const features = new ServerFeaturesClient("", this.#credentials, { channelOverride: streams.getChannel() });
    const deadline = Date.now() + this.#options.connectTimeoutMs;
    features.getSupportedMethods(new Empty(), this.#metadata, { deadline }, (error, supported) => {
      // A node that is not the leader will refuse the call itself, which then follows the leader.
      if (error && exceptionOf(error) !== "not-leader") return reject(error);
      const methods = supported?.getMethodsList().map((method) => method.getMethodName().toLowerCase());
      if (methods && !methods.includes("batchappend")) {
        const version = supported?.getEventStoreServerVersion();
        return reject(new Error(`version ${version} has no BatchAppend: version 23.10 or later is needed`));
      }
      resolve();
    });
    return promise;
  }

  #channelOptions(): ChannelOptions {
    const { keepAliveMs, keepAliveTimeoutMs } = this.#options.address;
    return {
      "grpc.keepalive_time_ms": keepAliveMs,
      "grpc.keepalive_timeout_ms": keepAliveTimeoutMs,
      "grpc.max_receive_message_length": RECEIVE_BYTES_MAX,
      // Otherwise all channels of the process to the same address share sockets.
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0,
    };
  }
}
