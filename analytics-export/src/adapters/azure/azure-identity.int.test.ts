import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { inspect } from "node:util";
import { readConfiguration } from "ledger-core/process";
import { type AzuriteServer, findAzurite, startAzurite } from "ledger-core/testing/engines/azurite";
import { makeCertificates } from "ledger-core/testing/engines/certificates";
import { startEntraServer } from "ledger-core/testing/engines/entra";
import { randomHistory } from "ledger-core/testing/history";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { DeltaTable } from "../../delta/table.ts";
import { exportPart } from "../../settings.ts";
import { exportTables } from "../../tables/tables.ts";
import { newContainer, signatureOf } from "../../testing/azure.ts";
import { openFaultyStorage } from "../../testing/faulty-storage.ts";
import { names, rowsOf, testKey } from "../../testing/folder.ts";
import { openAzureLake } from "./open.ts";
import type { AzureTuning } from "./requests.ts";

const source = await findAzurite();
const one = new Uint8Array([1]);
const scope = "https://storage.azure.com/.default";
const [events] = exportTables;

describe.skipIf(source.kind === "none")("logging in to Azure Storage with Entra tokens", () => {
  let azurite: AzuriteServer;
  let certificate: { readonly cert: string; readonly key: string };
  const folder = mkdtempSync(join(tmpdir(), "payledger-identity-"));
  const trusted = getCACertificates();
  beforeAll(async () => {
    azurite = await startAzurite(source);
    const { ca, files } = await makeCertificates(folder);
    certificate = { cert: readFileSync(files.certificate, "utf8"), key: readFileSync(files.key, "utf8") };
    setDefaultCACertificates([...trusted, ca]);
  });
  afterAll(async () => {
    setDefaultCACertificates(trusted);
    rmSync(folder, { recursive: true });
    await azurite?.stop();
  });

  /** A token endpoint and a storage, both over TLS, and a lake whose identity AKS gives it by its variables. */
  async function start(tuning: AzureTuning = {}, storageCertificate = certificate) {
    const entra = await startEntraServer(scope, certificate);
    onTestFinished(() => entra.close());
    const signature = signatureOf(azurite);
    const storage = await openFaultyStorage(azurite.url, { certificate: storageCertificate, signature });
    onTestFinished(() => storage.close());
    const expired = new Set<string>();
    const used: string[] = [];
    const check = (token = "none") => {
      if (used.at(-1) !== token) used.push(token);
      return entra.given.includes(token) && !expired.has(token) ? undefined : "unauthorized";
    };
    storage.onRequest((_method, _path, token) => check(token));
    const tokenFile = join(folder, "assertion");
    writeFileSync(tokenFile, "first-assertion");
    const { lake: target } = readConfiguration(
      { lake: exportPart },
      {
        ...{ EXPORT: "abfss://ledger@account1.dfs.core.windows.net/lake", EXPORT_KEY: testKey.key },
        ...{ AZURE_AUTHORITY_HOST: entra.target.authority, AZURE_TENANT_ID: "a-tenant", AZURE_CLIENT_ID: "a-client" },
        AZURE_FEDERATED_TOKEN_FILE: tokenFile,
      },
    );
    const login = target.kind === "lake" && target.place.kind === "azure" ? target.place.login : undefined;
    if (!login || !("identity" in login)) throw new Error("the settings are those of a workload identity");
    const place = { ...(await newContainer(azurite, storage.url)), login };
    const quick = { pauseMs: 1, tries: 3, ...tuning, entra: { renewEveryMs: 0, ...tuning.entra } };
    const lake = openAzureLake(place, randomUUID, quick);
    const secrets = () => ["first-assertion", ...entra.given];
    return { entra, storage, check, expired, used, tokenFile, lake, secrets };
  }

  test("the workload's own token is exchanged for one that every request carries", async () => {
    const { entra, used, lake } = await start();
    expect(await lake.create("a", one)).toBe(true);
    expect(await lake.create("a", one)).toBe(false);
    expect(await lake.read("a")).toEqual(one);
    expect(used).toEqual(entra.given);
    expect(entra.requests).toEqual([
      {
        path: "/a-tenant/oauth2/v2.0/token",
        ...{ grant_type: "client_credentials", client_id: "a-client", scope, client_assertion: "first-assertion" },
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      },
    ]);
  });

  test("before a token expires, requests carry the next one", async () => {
    const { entra, used, lake } = await start({ entra: { renewBeforeMs: 600_000 } });
    entra.validFor(60, 3600);
    // A request finds the first token due and fetches the next one in the background; a later request carries that.
    while (used.length < 2) await lake.read("a");
    await lake.read("a");
    expect(used).toEqual(entra.given);
    expect(entra.given).toHaveLength(2);
  });

  test("a token that is refused early is replaced; the workload's own is read again from its file", async () => {
    const { entra, expired, used, tokenFile, lake } = await start();
    expect(await lake.create("a", one)).toBe(true);
    writeFileSync(tokenFile, "second-assertion");
    for (const token of entra.given) expired.add(token);
    expect(await lake.create("b", one)).toBe(true);
    expect(await lake.create("b", one)).toBe(false);
    expect(used).toEqual(entra.given);
    expect(entra.requests.map((request) => request.client_assertion)).toEqual(["first-assertion", "second-assertion"]);
  });

  test("tokens that expire in the middle of commits lose nothing and repeat nothing", async () => {
    const { entra, storage, check, expired, lake } = await start();
    if (!events) throw new RangeError("there are tables");
    let requests = 0;
    storage.onRequest((_method, _path, token) => {
      if (++requests % 5 === 0) expired.add(token ?? "");
      return check(token) && "unchallenged";
    });
    const history = randomHistory(7, 60);
    const maintenance = { compaction: { targetBytes: 32 * 1024, filesMin: 2, copyRowsMin: 1 }, keepRemovedMs: 0 };
    const tuning = { nowMs: Date.now, checkpointEvery: 3, maintenance };
    const table = new DeltaTable({ lake, shape: events, uniqueName: randomUUID, ...tuning });
    const rows = history.map((event) => events.rows(event, { version: 1, leaf: new Uint8Array(32) }, names));
    const last = history.length - 1;
    for (let at = await table.checkpoint(0); at < last; ) {
      const upTo = Math.min(at + 10, last);
      await table.apply(0, at, upTo, rows.slice(at + 1, upTo + 1).flat());
      at = upTo;
    }
    const written = rows.flat().map((row) => row.map(String).join(" | "));
    expect(await rowsOf(lake, events)).toEqual(written.sort());
    expect(entra.given.length).toBeGreaterThan(4);
  });

  test("an identity that is refused is named, without a secret; then it goes on", async () => {
    const { entra, lake, secrets } = await start();
    entra.fail("invalid_client");
    const refused: unknown = await lake.create("a", one).catch((error: unknown) => error);
    const message = "the lake cannot write a: Entra tokens: status 400 invalid_client 700211";
    expect(refused).toMatchObject({ code: "store_unavailable", message });
    for (const secret of secrets()) expect(inspect(refused, { depth: 9, showHidden: true })).not.toContain(secret);
    entra.fail(undefined);
    expect(await lake.create("a", one)).toBe(true);
  });

  test("tokens that the storage never accepts are named, and are not asked for without end", async () => {
    const { entra, storage, check, lake, secrets } = await start();
    storage.onRequest(() => "unauthorized");
    const refused: unknown = await lake.read("a").catch((error: unknown) => error);
    const message = "the lake cannot read a: InvalidAuthenticationInfo, status 401";
    expect(refused).toMatchObject({ code: "store_unavailable", message });
    for (const secret of secrets()) expect(inspect(refused, { depth: 9, showHidden: true })).not.toContain(secret);
    expect(entra.given.length).toBeLessThanOrEqual(4);
    storage.onRequest((_method, _path, token) => check(token));
    expect(await lake.read("a")).toBeUndefined();
  });

  test("while Entra is away, a valid token goes on; without one, the lake is unavailable", async () => {
    const { entra, storage, check, lake } = await start({ entra: { renewBeforeMs: 3_600_000 } });
    entra.validFor(60);
    expect(await lake.create("a", one)).toBe(true);
    entra.pause(true);
    expect(await lake.read("a")).toEqual(one);
    storage.onRequest(() => "unauthorized");
    await expect(lake.read("a")).rejects.toMatchObject({ code: "store_unavailable" });
    storage.onRequest((_method, _path, token) => check(token));
    entra.pause(false);
    expect(await lake.read("a")).toEqual(one);
  });

  test("a storage of another authority is never sent a token", async () => {
    const other = mkdtempSync(join(folder, "other-"));
    const { files } = await makeCertificates(other);
    const unknown = { cert: readFileSync(files.certificate, "utf8"), key: readFileSync(files.key, "utf8") };
    const { entra, used, lake } = await start({}, unknown);
    await expect(lake.read("a")).rejects.toMatchObject({ code: "store_unavailable" });
    expect(entra.given).toHaveLength(1);
    expect(used).toEqual([]);
  });
});
