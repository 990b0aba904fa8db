import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { assert } from "../../domain/errors.ts";
import { entraScopes } from "../../process/entra-login.ts";
import { selectRows } from "../../sql/rows.ts";
import { translateStoreErrors } from "../../sql/store-errors.ts";
import { makeCertificates } from "../../testing/engines/certificates.ts";
import { startEntraServer } from "../../testing/engines/entra-server.ts";
import { findMariadb } from "../../testing/engines/mariadb.ts";
import { type Served, startMariadbProcess } from "../../testing/engines/mariadb-process.ts";
import { startMysqlTokenFront } from "../../testing/engines/mysql-token-front.ts";
import { type EntraTuning, openEntraTokens } from "../entra/tokens.ts";
import { connectMysql } from "./mysql.ts";

const source = await findMariadb();
const user = "ledger-workers";

describe.skipIf(source.kind !== "local")("logging in to a real MariaDB with tokens", () => {
  let served: Served;
  let certificate: { ca: string; cert: string; key: string };
  beforeAll(async () => {
    assert(source.kind === "local", "skipped otherwise");
    served = await startMariadbProcess(source.local);
    const folder = await mkdtemp(join(tmpdir(), "token-front-"));
    const { ca, files } = await makeCertificates(folder);
    certificate = { ca, cert: await readFile(files.certificate, "utf8"), key: await readFile(files.key, "utf8") };
    await rm(folder, { recursive: true });
  });
  afterAll(() => served.engine.stop());

  async function start(tuning: Partial<EntraTuning> = {}, encrypted = true) {
    const entra = await startEntraServer(entraScopes.mysql);
    onTestFinished(() => entra.close());
    const front = await startMysqlTokenFront({
      server: served.connection,
      ...(encrypted && { certificate }),
      accepts: (token) => entra.given.includes(token),
    });
    onTestFinished(() => front.close());
    const tokens = openEntraTokens(entra.target, { renewEveryMs: 0, ...tuning });
    const at = { host: "127.0.0.1", port: front.port, user, password: "", database: "mysql" };
    const db = connectMysql({ ...at, tokens, tls: { ca: certificate.ca }, pool: { min: 0, max: 1 } });
    onTestFinished(() => db.destroy());
    const who = () => translateStoreErrors("read models", () => selectRows(db, "SELECT USER() AS who"));
    return { entra, front, tokens, who };
  }

  test("the workload's token is exchanged for one that the server asks for in clear text, inside TLS", async () => {
    const { entra, front, who } = await start();
    expect(await who()).toEqual([{ who: "payledger@127.0.0.1" }]);
    expect(await who()).toHaveLength(1);
    expect(front.logins).toEqual([{ user, token: entra.given[0] }]);
    expect(entra.requests).toEqual([
      {
        path: "/a-tenant/oauth2/v2.0/token",
        grant_type: "client_credentials",
        client_id: "a-client",
        scope: entraScopes.mysql,
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion: entra.target.assertion.reveal(),
      },
    ]);
  });

  test("before a token expires, connections log in with the next one", async () => {
    const { entra, front, who } = await start({ renewBeforeMs: 600_000 });
    entra.validFor(60, 3600);
    // A query finds the first token due and fetches the next one in the background; a later query uses that.
    while (front.logins.length < 2) await who();
    await who();
    expect(front.logins.map(({ token }) => token)).toEqual(entra.given);
    expect(entra.given).toHaveLength(2);
  });

  test("a login that is refused because its token expired early is repeated with a new token", async () => {
    const { entra, front, who } = await start();
    await who();
    front.expire(entra.given[0] ?? "");
    // The connection that was lost may fail the query that meets it; none after it.
    await who().catch(() => undefined);
    expect(await who()).toHaveLength(1);
    expect(front.logins.at(-1)?.token).toBe(entra.given[1]);
  });

  test("while Entra is away a valid token goes on; without one the store is unavailable until it is back", async () => {
    const { entra, front, who } = await start({ renewBeforeMs: 3_600_000 });
    entra.validFor(60);
    await who();
    entra.pause(true);
    expect(await who()).toHaveLength(1);
    expect(await who()).toHaveLength(1);
    for (const token of entra.given) front.expire(token);
    await who().catch(() => undefined);
    await expect(who()).rejects.toMatchObject({ code: "store_unavailable", retryable: true });
    entra.pause(false);
    expect(await who()).toHaveLength(1);
  });

  test("no error contains a token", async () => {
    const { entra, front, who } = await start();
    entra.fail("invalid_client");
    const refused: unknown = await who().catch((error: unknown) => error);
    expect(refused).toMatchObject({ message: "Entra tokens: status 400 invalid_client 700211" });
    entra.fail(undefined);
    await who();
    for (const given of entra.given) front.expire(given);
    entra.validFor(1e-3);
    const errors = [
      refused,
      await who().catch((error: unknown) => error),
      await who().catch((error: unknown) => error),
    ];
    const told = inspect(errors, { depth: 9, showHidden: true });
    for (const secret of [entra.target.assertion.reveal(), ...entra.given]) expect(told).not.toContain(secret);
  });

  test("a server without TLS, or of another authority, is never sent a token", async () => {
    const { front, who } = await start({}, false);
    await expect(who()).rejects.toMatchObject({ code: "store_unavailable" });
    expect(front.logins).toEqual([]);
    const { front: other, tokens } = await start();
    const at = { host: "127.0.0.1", port: other.port, user, password: "", database: "mysql" };
    const db = connectMysql({ ...at, tokens, tls: {} });
    onTestFinished(() => db.destroy());
    await expect(translateStoreErrors("read models", () => db.raw("SELECT 1"))).rejects.toThrow("cannot be reached");
    expect(other.logins).toEqual([]);
    expect(() => connectMysql({ ...at, tokens, tls: null })).toThrow("the connection to MySQL needs TLS");
  });
});
