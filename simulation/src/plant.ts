import type { Writer, WriterSeams } from "command-service";
import type { Knex } from "knex";
import type { Projection, ProjectionTarget, Revision, Runtime } from "ledger-core";
import type { EventLog, NewEvent } from "ledger-core/event-log";
import type { QueryDeps } from "query-service";
import type { SimulatedStores } from "./read-side/stores.ts";

/** A query's answer as its reader gets it. */
export type GatewayReply = { readonly status: number; readonly position: string; readonly body: unknown };

/**
 * Where a planted bug gets into a simulated world: each wraps one part of it. Without a bug each gives back what it is
 * given.
 */
export type Plant = {
  /** The log as one writer has it. */
  log(log: EventLog): EventLog;
  /** Time and chance as a writer has them. */
  runtime(runtime: Runtime): Runtime;
  /** The parts of a writer. */
  seams(seams: WriterSeams): WriterSeams;
  queueMax(max: number): number;
  /** The writer as the routes of commands have it. */
  commands(writer: Writer): Writer;
  eventBytesMax(max: number | undefined): number | undefined;
  /** A writer as its clients have it. */
  writer(writer: Writer): Writer;
  /** Whether the log cuts off a batch that it wrote in part when it died. */
  readonly cutsTornBatches: boolean;
  /** Whether what the log has answered is still there when it has died and started again. */
  readonly syncsBeforeAnswering: boolean;
  /** Whether the log answers only what another node has too. */
  readonly awaitsReplicas: boolean;
  /** What the log compares to tell whether an append is a repeated one. */
  storeId(event: NewEvent, revision: Revision): string;
  /** The log as a projector follows it. */
  feed(log: EventLog): EventLog;
  projection<Change>(projection: Projection<Change>): Projection<Change>;
  target<Change>(target: ProjectionTarget<Change>, name: string): ProjectionTarget<Change>;
  /** The statements that make the readable views of the models. */
  views(texts: readonly string[]): readonly string[];
  /** The models that queries read: a primary and a replica. */
  models(routed: Knex, stores: SimulatedStores): Knex;
  queries(deps: QueryDeps): QueryDeps;
  /** The headers of a query, as a gateway passes them on. */
  headers(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
  /** The answer to a query, as a gateway passes it on. */
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
