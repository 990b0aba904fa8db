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
  /** The builds that were created and not dropped, except the served one. */
  readonly leftovers: readonly Build[];
  /** Who rebuilds the graph: a text that changes as long as somebody does; `FREE` if nobody does. */
  readonly rebuilder: string;
};

const PARTITION = "books";
const MARKER = "served";
/** The shard of the marker, and its revision once the graph was filled. */
const NO_SHARD = -1;
const COMPLETE = 1;
/** The shard of the vertex that tells of a build until it is dropped, and of the one that tells who rebuilds. */
const CREATED = -2;
const REBUILDER = -3;
export const FREE = "free";

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
const dropText = "g.V().has('pk',p).has('build',w).has('shard',neq(s)).drop()";
const claimText = "g.V().has('pk',p).has('id',i).has('born',a).property('born',b).count()";

type Options = { readonly deadlineMs?: number };

/** Undefined if the graph has none: it is new, or was emptied. @throws store_unavailable */
export async function readBooks(client: GremlinClient, options?: Options): Promise<GraphBooks | undefined> {
  const rows = await client.submit(readText, { p: PARTITION }, options);
  const checkpoints = new Map<string, Position>();
  const versions = new Set<number>();
  let rebuilder = FREE;
  let marker: { readonly version: number; readonly born: string; readonly complete: boolean } | undefined;
  for (const row of rows) {
    const [version, shard, revision] = [numberIn(row, "g"), numberIn(row, "s"), numberIn(row, "r")];
    if (shard === NO_SHARD) marker = { version, born: textIn(row, "b"), complete: revision === COMPLETE };
    else if (shard === REBUILDER) rebuilder = textIn(row, "b");
    else versions.add(version);
    if (shard >= 0) checkpoints.set(checkpointId(buildOf(version), shard), { shard, revision });
  }
  if (!marker) return undefined;
  versions.delete(marker.version);
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
    leftovers: [...versions].sort((one, other) => one - other).map(buildOf),
    rebuilder,
  };
}

/** Like `readBooks`, and begins the books of an empty graph. */
export async function openBooks(client: GremlinClient): Promise<GraphBooks> {
  const known = await readBooks(client);
  if (known) return known;
  await addBook(client, { i: MARKER, w: 1, s: NO_SHARD, b: randomUUID() });
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

/** Notes a build, so that it is found and dropped if its rebuild is interrupted. */
export async function noteBuild(client: GremlinClient, { version }: Build): Promise<void> {
  await addBook(client, { i: `build:${version}`, w: version, s: CREATED, b: "" });
}

/** Forgets a build and its checkpoints. */
export async function forgetBuild(client: GremlinClient, build: Build): Promise<void> {
  await client.submit(dropText, { p: PARTITION, w: build.version, s: NO_SHARD });
}

/** Replaces the text of who rebuilds the graph, if it is still `from`; returns whether it is `to` now. */
export async function claimRebuild(client: GremlinClient, from: string, to: string): Promise<boolean> {
  const place = { i: "rebuilder", w: 0, s: REBUILDER, b: FREE };
  if (from === FREE) await addBook(client, place);
  await client.submit(claimText, { p: PARTITION, i: place.i, a: from, b: to });
  return (await openBooks(client)).rebuilder === to;
}

type Book = { readonly i: string; readonly w: number; readonly s: number; readonly b: string };

/** Adds a vertex to the books, if it is not there. */
async function addBook(client: GremlinClient, book: Book): Promise<void> {
  await client.submit(makeText, { ...book, p: PARTITION, r: NO_REVISION });
}

function checkpointId({ version }: Build, shard: Shard | ""): string {
  return `checkpoint:${version}:${shard}`;
}
