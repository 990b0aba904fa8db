import { setTimeout } from "node:timers/promises";
import { assert } from "ledger-core";
import { createLogger, type MysqlTarget } from "ledger-core/process";
import { connectMysql } from "ledger-core/sql";
import { examples, seeded } from "ledger-core/testing";
import { type Link, openLink } from "ledger-core/testing/engines/link";
import type { MariadbNode, MariadbPair } from "ledger-core/testing/engines/mariadb-pair";
import { migrateModels } from "projection-workers";
import { openMysqlReplicas } from "../adapters/mysql/replicas.ts";
import { entriesFrom, openedAccount } from "./history.ts";
import { modelsOn } from "./models.ts";
import { type ServedAnswer, serveQueries } from "./served.ts";

/*
 * Reads an account while its entries are written and the replicas are stopped, delayed and exchanged. The entry of each
 * revision leaves a balance equal to the revision, so an answer shows by itself of which moment it is.
 */

const { alice, operator } = examples;
const READERS = 8;

export type StaleReadsRun = {
  /** With two replicas. */
  readonly pair: MariadbPair;
  readonly seed: number;
  /** Stops when so many reads were checked, or after this time. */
  readonly reads: number;
  readonly forMs: number;
  /** Plants a fault: queries are asked without the position. */
  readonly withoutPosition?: true;
  readonly tell?: (text: string) => void;
};

/** `answered` and `refused` (503 with Retry-After) are all that may be; `older` and `torn` name the first faults. */
export type StaleReads = {
  readonly answered: number;
  readonly refused: number;
  /** Answers from before the position that was asked for. */
  readonly older: readonly string[];
  /** Answers whose rows are not those of the position that they state, and answers of any other kind. */
  readonly torn: readonly string[];
};

export async function checkStaleReads(run: StaleReadsRun): Promise<StaleReads> {
  const { pair, seed, tell = () => undefined } = run;
  const next = seeded(seed);
  const database = await pair.createDatabase();
  const writer = connectMysql({ ...pair.primary().as("writer"), database });
  await migrateModels(writer);
  const models = modelsOn(writer, writer, async () => undefined);
  let written = await models.apply([openedAccount(1, "alice"), openedAccount(3, "sam", { type: "merchant" })]);
  const net = await openNet(pair.replicas());
  const replicas = await openMysqlReplicas(net.targets(database), 8, createLogger({ level: "silent", name: "test" }));
  const queries = await serveQueries({ reader: replicas.set });
  const found = { answered: 0, refused: 0, older: [] as string[], torn: [] as string[] };
  const end = performance.now() + run.forMs;
  const goesOn = () =>
    performance.now() < end && found.answered + found.refused < run.reads && found.older.length + found.torn.length < 5;

  async function write(): Promise<void> {
    while (goesOn()) {
      written = await models.apply(entriesFrom(alice, written + 1, 1));
      await setTimeout(2);
    }
  }

  async function read(): Promise<void> {
    while (goesOn()) {
      const asked = Math.max(1, written - (next(3) === 0 ? next(100) : 0));
      const position = run.withoutPosition ? {} : { "ledger-position": `0:${asked}` };
      const headers = { ...position, "ledger-wait": `${next(3) * 20}` };
      judge(found, asked, await queries.get(operator, `/v1/accounts/${alice}/balance`, headers));
    }
  }

  try {
    const disturbing = disturb(net, pair.replicas(), next, goesOn, tell);
    await Promise.all([write(), disturbing, ...Array.from({ length: READERS }, read)]);
    return found;
  } finally {
    for (const replica of pair.replicas()) await replica.delay(0);
    await queries.app.close();
    await replicas.close();
    await writer.destroy();
    await net.close();
  }
}

type Found = { answered: number; refused: number; older: string[]; torn: string[] };

function judge(found: Found, asked: number, { status, body, headers }: ServedAnswer): void {
  if (status === 503 && headers["retry-after"] !== undefined) {
    found.refused++;
    return;
  }
  const position = Number(String(headers["ledger-position"]).split(":")[1]);
  const { posted } = { posted: undefined, ...body };
  const told = `asked for ${asked}: ${status}, at ${position}, balance ${JSON.stringify(posted ?? body)}`;
  if (status !== 200 || String(posted) !== String(position)) found.torn.push(told);
  else if (position < asked) found.older.push(told);
  else found.answered++;
}

/** Three addresses of two replicas: one for each, and one behind which connections reach both in turn. */
async function openNet(nodes: readonly MariadbNode[]) {
  const [one, other] = nodes;
  assert(one && other, "the pair has two replicas");
  const behind = [one, other];
  let turn = 0;
  const portOf = (n: number) => behind[n % 2]?.as("reader").port ?? 0;
  const links: readonly Link[] = [
    await openLink(() => portOf(0)),
    await openLink(() => portOf(1)),
    await openLink(() => portOf(turn++)),
  ];
  return {
    /** Exchanges the replicas behind the addresses; connections are lost. */
    exchange(): void {
      behind.reverse();
      for (const link of links) link.cut();
      for (const link of links) link.mend();
    },
    targets(database: string): readonly MysqlTarget[] {
      const { user, password, tls } = one.as("reader");
      return links.map(({ port }) => ({
        ...{ kind: "mysql", host: "127.0.0.1", port, database },
        credentials: { username: user, password: { reveal: () => password } },
        ...(tls && { tls }),
      }));
    },
    close: async () => void (await Promise.all(links.map((link) => link.close()))),
  };
}

async function disturb(
  net: Awaited<ReturnType<typeof openNet>>,
  replicas: readonly MariadbNode[],
  next: (below: number) => number,
  goesOn: () => boolean,
  tell: (text: string) => void,
): Promise<void> {
  const faults: readonly (readonly [string, (replica: MariadbNode) => Promise<void>])[] = [
    ["stopped", (replica) => replica.stopApplying()],
    ["started", (replica) => replica.delay(0)],
    ["delayed by 30 s", (replica) => replica.delay(30)],
    ["started", (replica) => replica.delay(0)],
    ["exchanged", async () => net.exchange()],
  ];
  while (goesOn()) {
    const [name, play] = faults[next(faults.length)] ?? ["", async () => undefined];
    const replica = replicas[next(replicas.length)];
    assert(replica, "there are replicas");
    tell(`replica ${name}`);
    await play(replica);
    await setTimeout(100 + next(400));
  }
}
