import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openDataFolder } from "../../src/data-folder.ts";
import { type Client, createClient, type Endpoint } from "../client.ts";
import { expectEachOnce } from "../each-once.ts";
import { createLedger, makeToken } from "../harness.ts";
import type { SentPayment } from "../load.ts";
import { seeded } from "../random.ts";
import { type ServiceName, type StartedService, startService } from "../services.ts";
import { fundedWallet, sumOfLedger } from "../steps.ts";
import { type PreviousRelease, previousRelease } from "./previous-release.ts";
import { type Address, makeAddress, startSteadyLoad } from "./steady-load.ts";

/*
 * From the previous release to this one and back, under load. Clients repeat what was cut off or answered 503, with the
 * same key; no other refusal is accepted. At the end every payment is there once, as it was answered.
 */

const release = await previousRelease();
if (release.kind === "absent" && process.env.CI === "true") throw new Error(release.reason);
const seed = Number(process.env.LEDGER_SEED ?? Date.now() % 2 ** 31);
/** Payments between two changes. */
const STRETCH = 25;
/** Payments that are sent once more at the end. */
const REPEATED = 50;
const FUNDS = "1000000";
/** A dozen processes are started one after another. */
const LONG = { timeout: 600_000 };

const ledger = createLedger();
const data = mkdtempSync(join(tmpdir(), "payledger-upgrade-"));
const running = new Map<ServiceName, StartedService>();
const commands = makeAddress();
const queries = makeAddress();
const addresses: Readonly<Partial<Record<ServiceName, Address>>> = {
  "command-service": commands,
  "query-service": queries,
};
afterAll(async () => {
  await ledger.remove();
  for (const service of running.values()) await service.end("SIGKILL");
  rmSync(data, { recursive: true, force: true });
});

describeWith(release);

function describeWith(previous: PreviousRelease): void {
  const reason = previous.kind === "absent" ? `: ${previous.reason}` : "";
  const tree = previous.kind === "found" ? previous.root : "";

  test.skipIf(previous.kind === "absent")(`one process, seed ${seed}: there and back${reason}`, LONG, async () => {
    await ledger.start(tree);
    const address = makeAddress();
    address.moveTo(ledger.url);
    const operator = await ledger.as("operator");
    const accounts = await openAccounts(operator);
    const load = startSteadyLoad({
      ...{ token: operator.token, accounts, random: seeded(seed) },
      ...{ commands: address, queries: address },
    });
    for (const [next, end] of [
      [undefined, ledger.stop],
      [tree, ledger.kill],
    ] as const) {
      await load.more(STRETCH);
      await end();
      address.withdraw();
      await ledger.start(next);
      address.moveTo(ledger.url);
    }
    await load.more(STRETCH);
    await load.end();
    await expectSameAnswers(operator, load.acknowledged);
    await expectEachOnce(operator, accounts, load.acknowledged);
    expect(await sumOfLedger(operator)).toBe(0n);
    await ledger.stop();
  });

  test.skipIf(previous.kind === "absent")(
    `services, seed ${seed}: one after another, there and back${reason}`,
    LONG,
    async () => {
      await openDataFolder(data);
      for (const name of ["command-service", "projections", "query-service"] as const) await replace(name, tree);
      const operator = splitClient(await makeToken(data, "operator", "operator", "default"));
      const accounts = await openAccounts(operator);
      const load = startSteadyLoad({ token: operator.token, commands, queries, accounts, random: seeded(seed) });
      // Readers first, so that each release's readers meet the other's events.
      for (const next of [undefined, tree]) {
        for (const name of ["projections", "query-service", "command-service"] as const) {
          await load.more(STRETCH);
          await replace(name, next);
        }
      }
      await load.more(STRETCH);
      await load.end();
      await expectSameAnswers(operator, load.acknowledged);
      await expectEachOnce(operator, accounts, load.acknowledged);
      expect(await sumOfLedger(operator)).toBe(0n);
    },
  );
}

async function openAccounts(operator: Client): Promise<readonly string[]> {
  return Promise.all([0, 1, 2, 3].map((n) => fundedWallet(operator, FUNDS, { owner: `payer-${n}` })));
}

/** The answers of either release, repeated by the one that runs now. */
async function expectSameAnswers(operator: Client, acknowledged: ReadonlyMap<string, SentPayment>): Promise<void> {
  const every = Math.ceil(acknowledged.size / REPEATED);
  const some = [...acknowledged.values()].filter((_, index) => index % every === 0);
  const again = await Promise.all(some.map(({ key, body }) => operator.post("/v1/payments", body, { key })));
  expect(again.map(({ text }) => text)).toEqual(some.map(({ reply }) => reply?.text));
}

/** Stops a service as an upgrade does, and starts it from a release's programs. */
async function replace(name: ServiceName, tree: string | undefined): Promise<void> {
  const former = running.get(name);
  if (former) {
    expect(await former.end("SIGTERM"), former.output()).toBe(0);
    addresses[name]?.withdraw();
  }
  const started = await startService(name, data, {}, tree);
  running.set(name, started);
  addresses[name]?.moveTo(started.url);
}

function splitClient(token: string): Client {
  const writes: Endpoint = { url: "", revision: -1 };
  const writer = async () => createClient(Object.assign(writes, { url: await commands.current() }), token);
  const reader = async () => createClient({ url: await queries.current(), revision: writes.revision }, token);
  return {
    token,
    post: async (...args) => (await writer()).post(...args),
    get: async (...args) => (await reader()).get(...args),
  };
}
