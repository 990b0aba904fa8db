import { setTimeout as delay } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { seeded } from "../random.ts";
import { type AbuserContext, type Act, acts } from "./acts.ts";
import { makeSockets } from "./sockets.ts";

/*
 * A thread of abusers, separate from the honest client, which would otherwise wait for them. They run until told to
 * end, then report the answers they got.
 */
export type AbusersData = Pick<AbuserContext, "consumer" | "operator" | "wallets"> & {
  readonly url: string;
  readonly seed: number;
  readonly connectionsMax: number;
  /** Acts whose name contains this; all if it is empty. */
  readonly only: string;
};
/** The server's answers to each act, with their counts. */
export type Answers = ReadonlyMap<string, ReadonlyMap<string, number>>;

const data: AbusersData = workerData;
const sockets = makeSockets(data.url, data.connectionsMax);
const random = seeded(data.seed);
let last = 0;
const context: AbuserContext = {
  ...data,
  next: () => ++last,
  draw: (bound) => Math.floor(random() * bound),
};
const answers = new Map<string, Map<string, number>>();
let ended = false;

parentPort?.once("message", () => {
  ended = true;
  parentPort?.postMessage(answers satisfies Answers);
  sockets.end();
  // Some sleep for a long time between two bytes.
  process.exit();
});
const chosen = acts.filter(({ name }) => name.includes(data.only));
await Promise.all(chosen.flatMap((act) => Array.from({ length: act.width }, () => repeat(act))));

async function repeat(act: Act): Promise<void> {
  while (!ended) {
    const socket = await sockets.open();
    if (ended) return;
    if (socket === undefined) {
      // A stopping server accepts no more connections.
      await delay(500);
      continue;
    }
    const said = await act.run(context, socket);
    socket.destroy();
    const counts = answers.get(act.name) ?? new Map<string, number>();
    answers.set(act.name, counts.set(said, (counts.get(said) ?? 0) + 1));
    await delay(act.pauseMs);
  }
}
