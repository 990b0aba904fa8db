import {
  type Build,
  type EdgeChange,
  LedgerError,
  type ProjectionStore,
  type ProjectionTarget,
  type Revision,
  type Shard,
  type StoreMoment,
} from "ledger-core";
import {
  forgetBuild,
  type GremlinClient,
  moveCheckpoint,
  notAt,
  noteBuild,
  openBooks,
  PARTITIONS,
  partitionOf,
  serveBuild,
} from "ledger-core/gremlin";
import { Turns } from "../turns.ts";
import { type AloneTuning, aloneInGraph, aloneTuning } from "./alone.ts";
import { knowNothing, writeChanges } from "./edges.ts";
import { graphTables, holdsAt, holdsNow, rowsOf } from "./graph-rows.ts";

/** Elements that one request drops. */
const DROP_MAX = 500;
type Books = Awaited<ReturnType<typeof openBooks>>;

/** Versions of builds begin at 1. */
const NONE = 0;
const dropEdgesText = "g.V().has('pk',p).outE().limit(n).drop()";
const edgesLeftText = "g.V().has('pk',p).outE().limit(1).count()";
const dropVerticesText = "g.V().has('pk',p).limit(n).drop()";
const verticesLeftText = "g.V().has('pk',p).limit(1).count()";

/**
 * The payment graph on a Gremlin server. Changes come before their checkpoint, and are the same when they are repeated:
 * after a crash between the two, or beside another worker, nothing is lost or doubled. Nothing else may write into it.
 */
export function openGraphStore(client: GremlinClient, tuning: AloneTuning = aloneTuning): ProjectionStore<EdgeChange> {
  let known = knowNothing();
  let born = "";
  let knownBuild = NONE;
  const turns = new Turns();

  async function books() {
    const read = await openBooks(client);
    if (read.born !== born) known = knowNothing();
    born = read.born;
    return read;
  }

  async function apply(into: Build | undefined, ...change: Parameters<ProjectionTarget<EdgeChange>["apply"]>) {
    const [shard, after, upTo, changes] = change;
    const read = await books();
    const build = into ?? read.served;
    if (read.checkpoint(build, shard) !== after) {
      const isSwitched = into === undefined && knownBuild !== NONE && build.version !== knownBuild;
      knownBuild = NONE;
      if (isSwitched) throw switchedMeanwhile(shard);
      throw notAt(shard, after);
    }
    if (build.version !== knownBuild) known = knowNothing();
    knownBuild = build.version;
    try {
      await writeChanges(client, build, known, changes);
    } catch (error) {
      // The graph may have been emptied meanwhile.
      known = knowNothing();
      throw error;
    }
    await moveCheckpoint(client, read, build, { shard, after, upTo });
  }

  const target = (build: Build): ProjectionTarget<EdgeChange> => ({
    checkpoint: async (shard) => (await books()).checkpoint(build, shard),
    apply: (...change) => apply(build, ...change),
  });

  return {
    tables: graphTables,
    target,
    async checkpoint(shard) {
      const read = await books();
      return read.checkpoint(read.served, shard);
    },
    apply: (...change) => turns.take(() => apply(undefined, ...change)),
    served: async () => (await books()).served,
    create: (build) => createBuild(client, build),
    drop: (build) => dropBuild(client, build),
    rows: (build) => rowsOf(client, build, holdsNow),
    atOneMoment: async (work) => work(momentOf(client, await books())),
    leftovers: async () => (await books()).leftovers,
    alone: aloneInGraph(client, tuning),
    // Another process may apply events to the live build until the books name the next one: it then steps back, and
    // goes on in the next one from where that is.
    switchTo: (live, build, catchUp) =>
      turns.take(async () => {
        await catchUp(target(build), async (shard) => (await books()).checkpoint(live, shard));
        await serveBuild(client, live, build);
      }),
    faults: async () => [],
    async close() {
      await turns.idle();
    },
  };
}

/** Edges keep from when until when they hold, so an earlier moment can be read while the build advances. */
function momentOf(client: GremlinClient, { served, checkpoint }: Books): StoreMoment {
  const at = (shard: Shard): Revision => checkpoint(served, shard);
  return { checkpoint: async (shard) => at(shard), rows: rowsOf(client, served, holdsAt(at)) };
}

async function createBuild(client: GremlinClient, build: Build): Promise<void> {
  await dropBuild(client, build);
  await noteBuild(client, build);
}

async function dropBuild(client: GremlinClient, build: Build): Promise<void> {
  for (let number = 0; number < PARTITIONS; number++) {
    const p = partitionOf(build, number);
    const left = async (text: string) => Number((await client.submit(text, { p }))[0]) > 0;
    while (await left(edgesLeftText)) await client.submit(dropEdgesText, { p, n: DROP_MAX });
    while (await left(verticesLeftText)) await client.submit(dropVerticesText, { p, n: DROP_MAX });
  }
  await forgetBuild(client, build);
}

/** A rebuild has switched to a build whose checkpoint is elsewhere: the consumer goes on from there. */
function switchedMeanwhile(shard: Shard): LedgerError {
  return new LedgerError("not_ready", `the graph: shard ${shard} goes on in another build`, { retryable: true });
}
