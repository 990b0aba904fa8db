import type { Writer, WriterSeams } from "command-service";
import type { Knex } from "knex";
import type { Projection, ProjectionTarget, Revision, Runtime } from "ledger-core";
import type { EventLog, NewEvent } from "ledger-core/event-log";
import type { QueryDeps } from "query-service";
import type { SimulatedStores } from "./read-side/stores.ts";

/** The answer to a query as its reader receives it. */
export type GatewayReply = { readonly status: number; readonly position: string; readonly body: unknown };

/**
 * The places where a bug can be planted in a simulated world; each wraps one part. Without a bug, each returns its
 * argument.
 */
export type Plant = {
  /** Wraps one writer's log. */
  log(log: EventLog): EventLog;
  /** Wraps a writer's time and randomness. */
  runtime(runtime: Runtime): Runtime;
  /** Wraps the parts of a writer. */
  seams(seams: WriterSeams): WriterSeams;
  queueMax(max: number): number;
  /** Wraps the writer of the command routes. */
  commands(writer: Writer): Writer;
  eventBytesMax(max: number | undefined): number | undefined;
  /** Wraps the writer that clients call. */
  writer(writer: Writer): Writer;
  /** Whether the log, on restart, cuts off a batch that it was writing when it died. */
  readonly cutsTornBatches: boolean;
  /** Whether events that the log acknowledged survive its crash. */
  readonly syncsBeforeAnswering: boolean;
  /** Whether the log acknowledges only events that another node has too. */
  readonly awaitsReplicas: boolean;
  /** The id that the log compares to recognize a repeated append. */
  storeId(event: NewEvent, revision: Revision): string;
  /** Wraps a projector's log. */
  feed(log: EventLog): EventLog;
  projection<Change>(projection: Projection<Change>): Projection<Change>;
  target<Change>(target: ProjectionTarget<Change>, name: string): ProjectionTarget<Change>;
  /** Changes the statements that create the models' readable views. */
  views(texts: readonly string[]): readonly string[];
  /** Wraps the models that queries read: a primary and a replica. */
  models(routed: Knex, stores: SimulatedStores): Knex;
  queries(deps: QueryDeps): QueryDeps;
  /** A query's headers after a gateway. */
  headers(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
  /** A query's answer after a gateway. */
  reply(url: string, reply: GatewayReply): GatewayReply;
};

export const nothingPlanted: Plant = {
  log: (log) => log,
  runtime: (runtime) => runtime,
  seams: (seams) => seams,
  queueMax: (max) => max,
  commands: (writer) => writer,
  eventBytesMax: (max) => max,
  writer: (writer) => writer,
  cutsTornBatches: true,
  syncsBeforeAnswering: true,
  awaitsReplicas: true,
  storeId: ({ id }) => id,
  feed: (log) => log,
  projection: (projection) => projection,
  target: (target) => target,
  views: (texts) => texts,
  models: (routed) => routed,
  queries: (deps) => deps,
  headers: (headers) => headers,
  reply: (_url, reply) => reply,
};
