import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isLedgerError, type LedgerEvent, NO_REVISION } from "ledger-core";
import { openSqliteLog } from "ledger-core/event-log";
import { randomHistory, seeded } from "ledger-core/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { storeFiles } from "../projections/list.ts";
import type { Projected } from "../projections/registered.ts";
import type { StoreFile } from "../projections/store-file.ts";
import { appendAll, testFolder } from "../testing/stores.ts";

const seed = Number(process.env.LEDGER_SEED ?? Date.now() % 2 ** 31);
const ROUNDS = 80;
const history = randomHistory(9, 60);
const half = Math.floor(history.length / 2);

function apply(projected: Projected, from: number, events: readonly LedgerEvent[]): Promise<void> {
  return projected.use((projection, store) =>
    store.apply(0, from - 1, from + events.length - 1, events.flatMap(projection.project)),
  );
}

async function openAndGoOn(file: StoreFile, path: string): Promise<void> {
  const opened = await file.open(path);
  try {
    for (const projected of opened.projections) {
      const at = await projected.use((_projection, store) => store.checkpoint(0));
      if (at === half - 1) await apply(projected, half, history.slice(half));
    }
  } finally {
    await opened.close();
  }
}

/** Changes random bytes: in the text of a table, in the file's header, or anywhere. */
function damaged(bytes: Buffer, below: (bound: number) => number): Buffer {
  const texts = [...bytes.toString("latin1").matchAll(/CREATE (?:TABLE|INDEX)[^\0]*/g)];
  const text = texts[below(texts.length)];
  const manner = below(3);
  for (let count = 1 + below(3); count > 0; count--) {
    if (manner === 0 && text) bytes[text.index + below(text[0].length)] = 97 + below(26);
    else bytes[below(manner === 1 ? 100 : bytes.length)] = below(256);
  }
  return bytes;
}

describe(`whatever the bytes of a file are, seed ${seed}`, () => {
  test.each(storeFiles)("$name: opening, applying and verifying fail only as declared", async (file) => {
    const below = seeded(seed);
    const folder = await testFolder();
    const log = await openSqliteLog({ file: join(folder, "events.sqlite") });
    onTestFinished(() => log.close());
    await appendAll(log, history);
    const whole = join(folder, "whole.sqlite");
    const opened = await file.open(whole);
    for (const projected of opened.projections) await apply(projected, NO_REVISION + 1, history.slice(0, half));
    await opened.close();
    let failed = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const live = join(folder, `live-${round}.sqlite`);
      writeFileSync(live, damaged(readFileSync(whole), below));
      const scratch = join(folder, `scratch-${round}`);
      const works = [
        () => openAndGoOn(file, live),
        () => file.verify(file.projections[0] ?? "", { live, scratch }, { log, shards: [0] }),
      ];
      for (const work of works) {
        await work().catch((error: unknown) => {
          if (!isLedgerError(error)) throw error;
          failed++;
        });
      }
    }
    expect(failed).toBeGreaterThan(ROUNDS / 10);
  });
});
