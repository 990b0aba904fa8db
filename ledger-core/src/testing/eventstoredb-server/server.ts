import { createServer, type Server as NetServer } from "node:net";
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import {
  ClusterInfo,
  EndPoint,
  GossipService,
  MemberInfo,
  ServerFeaturesService,
  StreamsService,
  SupportedMethod,
  SupportedMethods,
} from "../../adapters/eventstoredb/stubs.ts";
import { batchAppend, unaryAppend } from "./appends.ts";
import { ServerFaults } from "./faults.ts";
import { type NodeEnd, type NodeOptions, ServerNode } from "./node.ts";
import { read } from "./reads.ts";
import { openStreamStore, type StreamStore } from "./store.ts";

export type EventStoreDbServerOptions = Omit<NodeOptions, "store" | "faults"> & {
  /** The file of the streams, or ":memory:"; or a store shared by nodes, which its owner closes. */
  readonly data: string | StreamStore;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** PEM; without it, the server uses no TLS. */
  readonly tls?: { readonly certificate: string; readonly key: string } | undefined;
};

export type EventStoreDbServer = {
  /** A connection string without credentials. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly faults: ServerFaults;
  readonly store: StreamStore;
  /** Appends and reads that this node served. */
  readonly counts: { readonly appends: number; readonly reads: number };
  /** Cuts every connection. */
  cutConnections(): void;
  /** Makes this node follow another one as its leader. */
  follow(leader: NodeEnd): void;
  lead(): void;
  /** Sets the cluster members that the node reports; at first only itself. */
  setMembers(members: readonly EventStoreDbServer[]): void;
  readonly leads: boolean;
  stop(): Promise<void>;
};

/** The server version whose rules this follows. */
const VERSION = "25.0.0.0-stand-in";

/**
 * A stand-in for EventStoreDB, for tests and demonstrations: its stream protocol over a real socket, its rules for
 * repeated appends, streams that survive a kill, and faults on demand. A single node without replicas; do not keep
 * money in it.
 */
export async function startEventStoreDbServer(options: EventStoreDbServerOptions): Promise<EventStoreDbServer> {
  const { data, host = "127.0.0.1", port = 0, tls } = options;
  const store = typeof data === "string" ? openStreamStore(data) : data;
  const faults = new ServerFaults();
  const node = new ServerNode({ ...options, store, faults });
  let members: readonly EventStoreDbServer[] = [];
  const grpc = new Server({ "grpc.max_receive_message_length": 17 * 2 ** 20 });
  serve(grpc, node, () => members);
  const credentials = tls
    ? ServerCredentials.createSsl(null, [
        { cert_chain: Buffer.from(tls.certificate), private_key: Buffer.from(tls.key) },
      ])
    : ServerCredentials.createInsecure();
  // We own the sockets, so that faults can cut them.
  const injector = grpc.createConnectionInjector(credentials);
  const listener = createServer((socket) => {
    node.connected(socket);
    injector.injectConnection(socket);
  });
  const listening = { host, port: await listen(listener, host, port) };
  const server: EventStoreDbServer = {
    ...listening,
    url: `esdb://${host}:${listening.port}${tls ? "" : "?tls=false"}`,
    faults,
    store,
    counts: node.counts,
    cutConnections: () => node.cutAll(),
    follow: (leader) => node.follow(leader),
    lead: () => node.lead(),
    setMembers: (all) => {
      members = all;
    },
    get leads() {
      return node.leads;
    },
    stop: async () => {
      const closed = new Promise((resolve) => listener.close(resolve));
      node.cutAll();
      grpc.forceShutdown();
      await closed;
      if (typeof data === "string") store.close();
    },
  };
  members = [server];
  return server;
}

function serve(grpc: Server, node: ServerNode, members: () => readonly EventStoreDbServer[]): void {
  const streams: UntypedServiceImplementation = {
    batchAppend: (call: Parameters<typeof batchAppend>[1]) => batchAppend(node, call),
    append: (call: Parameters<typeof unaryAppend>[1], answer: Parameters<typeof unaryAppend>[2]) =>
      unaryAppend(node, call, answer),
    read: (call: Parameters<typeof read>[1]) => void read(node, call),
  };
  grpc.addService(StreamsService, streams);
  grpc.addService(ServerFeaturesService, {
    getSupportedMethods: (
      call: ServerUnaryCall<unknown, SupportedMethods>,
      answer: sendUnaryData<SupportedMethods>,
    ) => {
      const refused = node.refuse(call);
      if (refused && node.leads) return answer(refused);
      answer(null, supportedMethods());
    },
  });
  grpc.addService(GossipService, {
    read: (_call: unknown, answer: sendUnaryData<ClusterInfo>) => answer(null, clusterOf(members())),
  });
}

function supportedMethods(): SupportedMethods {
  const methods = ["batchappend", "append", "read"].map((name) =>
    new SupportedMethod().setMethodName(name).setServiceName("event_store.client.streams.Streams"),
  );
  return new SupportedMethods().setMethodsList(methods).setEventStoreServerVersion(VERSION);
}

function clusterOf(members: readonly EventStoreDbServer[]): ClusterInfo {
  const { LEADER, FOLLOWER } = MemberInfo.VNodeState;
  return new ClusterInfo().setMembersList(
    members.map(({ host, port, leads }) =>
      new MemberInfo()
        .setIsAlive(true)
        .setState(leads ? LEADER : FOLLOWER)
        .setHttpEndPoint(new EndPoint().setAddress(host).setPort(port)),
    ),
  );
}

function listen(listener: NetServer, host: string, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  listener.once("error", reject);
  listener.listen(port, host, () => {
    const address = listener.address();
    resolve(typeof address === "object" && address ? address.port : port);
  });
  return promise;
}
