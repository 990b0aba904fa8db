/**
 * The EventStoreDB protocol from the client package's generated code. The only file that knows the path and module
 * format of that code inside the package.
 */
import gossipServices from "@eventstore/db-client/generated/gossip_grpc_pb.js";
import gossipMessages from "@eventstore/db-client/generated/gossip_pb.js";
import featureServices from "@eventstore/db-client/generated/serverfeatures_grpc_pb.js";
import featureMessages from "@eventstore/db-client/generated/serverfeatures_pb.js";
import sharedMessages from "@eventstore/db-client/generated/shared_pb.js";
import statusMessages from "@eventstore/db-client/generated/status_pb.js";
import streamServices from "@eventstore/db-client/generated/streams_grpc_pb.js";
import streamMessages from "@eventstore/db-client/generated/streams_pb.js";
import anyMessages from "google-protobuf/google/protobuf/any_pb.js";

export const { GossipClient, GossipService } = gossipServices;
export const { ClusterInfo, EndPoint, MemberInfo } = gossipMessages;
export const { ServerFeaturesClient, ServerFeaturesService } = featureServices;
export const { SupportedMethod, SupportedMethods } = featureMessages;
export const { Empty, StreamIdentifier, UUID, WrongExpectedVersion, AllStreamPosition } = sharedMessages;
export const { MaximumAppendSizeExceeded, Timeout } = sharedMessages;
export const { Any } = anyMessages;
export const { Status } = statusMessages;
export const { StreamsClient, StreamsService } = streamServices;
export const { AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, ReadReq, ReadResp } = streamMessages;

export type StreamsClient = InstanceType<typeof streamServices.StreamsClient>;
export type BatchAppendResp = InstanceType<typeof streamMessages.BatchAppendResp>;
export type Status = InstanceType<typeof statusMessages.Status>;
export type ReadResp = InstanceType<typeof streamMessages.ReadResp>;
export type ReadReq = InstanceType<typeof streamMessages.ReadReq>;
export type RecordedEvent = InstanceType<typeof streamMessages.ReadResp.ReadEvent.RecordedEvent>;
export type StreamIdentifier = InstanceType<typeof sharedMessages.StreamIdentifier>;
export type BatchAppendReq = InstanceType<typeof streamMessages.BatchAppendReq>;
export type AppendReq = InstanceType<typeof streamMessages.AppendReq>;
export type AppendResp = InstanceType<typeof streamMessages.AppendResp>;
export type UUID = InstanceType<typeof sharedMessages.UUID>;
export type AllStreamPosition = InstanceType<typeof sharedMessages.AllStreamPosition>;
export type SupportedMethods = InstanceType<typeof featureMessages.SupportedMethods>;
export type ClusterInfo = InstanceType<typeof gossipMessages.ClusterInfo>;
export type MemberInfo = InstanceType<typeof gossipMessages.MemberInfo>;
