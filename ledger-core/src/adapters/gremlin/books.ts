import { randomUUID } from "node:crypto";
import { LedgerError } from "../../domain/errors.ts";
import { NO_REVISION, type Position, type Revision, type Shard } from "../../domain/position.ts";
import { type Build, buildOf } from "../../ports/projection-store.ts";
import { numberIn, textIn } from "./answers.ts";
import type { GremlinClient } from "./client.ts";

/**
 * The bookkeeping of a graph at one moment. `born` differs after the graph was emptied, so that an old and a new graph
 * are not taken for one another.
 */
export type GraphBooks = {
  readonly served: Build;
  readonly born: string;
  /** Whether it has been filled once, and queries may read it. */
  readonly complete: boolean;
  checkpoint(build: Build, shard: Shard): Revision;
  /** One per shard, by shard. */
  positions(build: Build): readonly Position[];
};

const PARTITION = "books";
const MARKER = "served";
/** The shard of the marker, and its revision once the graph was filled. */
const NO_SHARD = -1;
const COMPLETE = 1;

const readText = "g.V().has('pk',p).project('g','s','r','b').by('build').by('shard').by('revision').by('born')";
const makeText =
  "g.V().has('pk',p).has('id',i).fold().coalesce(__.unfold()," +
  "__.addV('books').property('id',i).property('pk',p).property('build',w).property('shard',s)" +
  ".property('revision',r).property('born',b)).count()";
const addText =
  "g.V().has('pk',p).has('id',m).has('born',b).addV('books').property('id',i).property('pk',p)" +
  ".property('build',w).property('shard',s).property('revision',r).property('born',b).count()";
const moveText = "g.V().has('pk',p).has('id',i).has('revision',a).has('born',b).property('revision',r).count()";
const serveText = "g.V().has('pk',p).has('id',i).has('build',a).property('build',w).count()";
const completeText = "g.V().has('pk',p).has('id',i).has('born',b).property('revision',r).count()";
const dropText = "g.V().has('pk',p).has('build',w).has('shard',gte(s)).drop()";

type Options = { readonly deadlineMs?: number };

/** Undefined if the graph has none: it is new, or was emptied. @throws store_unavailable */
export async function readBooks(client: GremlinClient, options?: Options): Promise<GraphBooks | undefined> {
  const rows = await client.submit(readText, { p: PARTITION }, options);
  const checkpoints = new Map<string, Position>();
  let marker: { readonly version: number; readonly born: string; readonly complete: boolean } | undefined;
  for (const row of rows) {
    const [version, shard, revision] = [numberIn(row, "g"), numberIn(row, "s"), numberIn(row, "r")];
    if (shard === NO_SHARD) marker = { version, born: textIn(row, "b"), complete: revision === COMPLETE };
    else checkpoints.set(checkpointId(buildOf(version), shard), { shard, revision });
  }
  if (!marker) return undefined;
  const prefix = (build: Build) => checkpointId(build, "");
  return {
    served: buildOf(marker.version),
    born: marker.born,
    complete: marker.complete,
    checkpoint: (build, shard) => checkpoints.get(checkpointId(build, shard))?.revision ?? NO_REVISION,
    positions: (build) =>
      [...checkpoints]
        .filter(([id]) => id.startsWith(prefix(build)))
        .map(([, position]) => position)
        .sort((one, other) => one.shard - other.shard),
  };
}

/** Like `readBooks`, and begins the books of an empty graph. */
export async function openBooks(client: GremlinClient): Promise<GraphBooks> {
  const known = await readBooks(client);
  if (known) return known;
  const marker = { p: PARTITION, i: MARKER, w: 1, s: NO_SHARD, r: NO_REVISION, b: randomUUID() };
  await client.submit(makeText, marker);
  const begun = await readBooks(client);
  if (!begun) throw new LedgerError("store_unavailable", "the graph lost its books", { retryable: true });
  return begun;
}

/**
 * Moves the checkpoint of a build in the graph whose books were read.
 * @throws revision_gap when the checkpoint is not at `after`, or the graph was emptied meanwhile
 */
export async function moveCheckpoint(
  client: GremlinClient,
  { born }: GraphBooks,
  build: Build,
  { shard, after, upTo }: { readonly shard: Shard; readonly after: Revision; readonly upTo: Revision },
): Promise<void> {
  const place = { p: PARTITION, i: checkpointId(build, shard), r: upTo, b: born };
  const moved =
    after === NO_REVISION
      ? await client.add(addText, { ...place, m: MARKER, w: build.version, s: shard })
      : await client.submit(moveText, { ...place, a: after });
  if (moved === "exists" || moved[0] !== 1) throw notAt(shard, after);
}

export function notAt(shard: Shard, after: Revision): LedgerError {
  return new LedgerError("revision_gap", `payment graph: the checkpoint of shard ${shard} is not at ${after}`, {
    position: { shard, revision: after },
  });
}

/** Lets queries read a graph that was filled. @throws store_unavailable when it was emptied meanwhile */
export async function completeGraph(client: GremlinClient, { born }: Pick<GraphBooks, "born">): Promise<void> {
  const [found] = await client.submit(completeText, { p: PARTITION, i: MARKER, b: born, r: COMPLETE });
  if (found !== 1) throw new LedgerError("store_unavailable", "the graph was emptied", { retryable: true });
}

/** Serves another build from one moment to the next. @throws not_ready when `live` is not the served one */
export async function serveBuild(client: GremlinClient, live: Build, next: Build): Promise<void> {
  const switched = await client.submit(serveText, { p: PARTITION, i: MARKER, a: live.version, w: next.version });
  if (switched[0] !== 1) throw new LedgerError("not_ready", "another worker has switched the payment graph");
}

/** Forgets the checkpoints of a build. */
export async function dropCheckpoints(client: GremlinClient, build: Build): Promise<void> {
  await client.submit(dropText, { p: PARTITION, w: build.version, s: 0 });
}

function checkpointId({ version }: Build, shard: Shard | ""): string {
  return `checkpoint:${version}:${shard}`;
}
