import { type ChannelCredentials, type ChannelOptions, Metadata } from "@grpc/grpc-js";
import { LedgerError } from "../../domain/errors.ts";
import type { NodeAddress } from "./address.ts";
import { unavailable } from "./faults.ts";
import { Empty, GossipClient, MemberInfo } from "./stubs.ts";

export type MembersOptions = {
  readonly credentials: ChannelCredentials;
  readonly channelOptions: ChannelOptions;
  readonly connectTimeoutMs: number;
};

const { LEADER, FOLLOWER, READONLYREPLICA } = MemberInfo.VNodeState;
/** Node states in order of preference. Only a leader accepts appends. */
const wanted = { leader: [LEADER], follower: [FOLLOWER, READONLYREPLICA, LEADER] };

/** Asks a node for the members of its cluster and picks one of them. @throws log_unavailable */
export async function chooseMember(
  seed: NodeAddress,
  preference: "leader" | "follower",
  options: MembersOptions,
): Promise<NodeAddress> {
  const members = await listMembers(seed, options);
  for (const state of wanted[preference]) {
    const end = members.find((member) => member.getIsAlive() && member.getState() === state)?.getHttpEndPoint();
    if (end) return { host: end.getAddress(), port: end.getPort() };
  }
  const what = `the cluster of ${seed.host}:${seed.port} has no ${preference} among its ${members.length} members`;
  throw new LedgerError("log_unavailable", `${what}; it is asked again`, { retryable: true });
}

async function listMembers(seed: NodeAddress, options: MembersOptions) {
  const { credentials, channelOptions, connectTimeoutMs } = options;
  const gossip = new GossipClient(`${seed.host}:${seed.port}`, credentials, channelOptions);
  const { promise, resolve, reject } = Promise.withResolvers<InstanceType<typeof MemberInfo>[]>();
  gossip.read(new Empty(), new Metadata(), { deadline: Date.now() + connectTimeoutMs }, (error, info) => {
    if (error) reject(unavailable(seed, error, "asking for the members of its cluster"));
    else resolve(info.getMembersList());
  });
  try {
    return await promise;
  } finally {
    gossip.close();
  }
}
