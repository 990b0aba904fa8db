import { findAzurite, startAzurite } from "ledger-core/testing/engines/azurite";
import { expect, onTestFinished, test } from "vitest";
import { newContainer } from "../azure.ts";
import { findDeltaRs } from "../delta-rs.ts";
import { makeLakeFolder } from "../folder.ts";
import { runKillLoop } from "./kill-loop.ts";

const deltaRs = findDeltaRs();
const storage = await findAzurite();
const python = "python" in deltaRs ? deltaRs.python : undefined;

const seed = Number(process.env.LEDGER_SEED ?? Date.now() % 2 ** 31);
/** `node analytics-export/src/testing/kills/kill-loop-main.ts` does as many as wanted. */
const short = { rounds: 6, seed, events: 40, tell: () => undefined };

test.skipIf(!python)(
  "exporters into a folder are killed at any step, and each event is there once",
  {
    timeout: 300_000,
  },
  async () => {
    const newLake = async () => {
      const { dir, remove } = makeLakeFolder();
      onTestFinished(remove);
      return { kind: "folder", folder: dir } as const;
    };
    const keep = makeLakeFolder();
    onTestFinished(keep.remove);
    const loop = { ...short, python: python ?? "", newLake, keep: keep.dir };
    const result = await runKillLoop(loop);
    expect(result, `seed ${seed}`).toMatchObject({ kills: short.rounds, faults: [] });
    await expect(runKillLoop(loop), "lakes of two loops must not mix").rejects.toThrow(`${seed}-0`);
  },
);

test.skipIf(!python || storage.kind === "none")(
  "so are exporters into Azure Storage",
  { timeout: 300_000 },
  async () => {
    const azurite = await startAzurite(storage);
    onTestFinished(azurite.stop);
    const newLake = async () => {
      const { container, account } = await newContainer(azurite);
      return { kind: "azure", container, account, key: azurite.key } as const;
    };
    const result = await runKillLoop({ ...short, python: python ?? "", newLake });
    expect(result, `seed ${seed}`).toMatchObject({ kills: short.rounds, faults: [] });
  },
);
