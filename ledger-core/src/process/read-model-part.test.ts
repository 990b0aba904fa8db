import { expect, test } from "vitest";
import { isLedgerError } from "../domain/errors.ts";
import { readConfiguration } from "./configuration.ts";
import type { Environment } from "./env.ts";
import { readModelPart, readModelReplicaPart } from "./read-model-part.ts";

const written = (environment: Environment) => readConfiguration({ to: readModelPart }, environment).to;
const read = (environment: Environment) => readConfiguration({ from: readModelReplicaPart }, environment).from;
const login = { READ_MODEL_USERNAME: "writer", READ_MODEL_PASSWORD: "planted" };

test("read models are a file in the data folder by default, or any file", () => {
  expect(written({ LEDGER_DATA: "/srv" })).toEqual({ kind: "sqlite", file: "/srv/models.sqlite" });
  expect(read({ LEDGER_DATA: "/srv" })).toEqual({ kind: "sqlite", file: "/srv/models.sqlite" });
  expect(read({ READ_MODEL_REPLICA: "sqlite:/x/m.sqlite" })).toEqual({ kind: "sqlite", file: "/x/m.sqlite" });
});

test("a primary is written, encrypted unless it is on this machine and told otherwise", () => {
  const target = written({ READ_MODEL: "mysql://primary.example:3306/ledger", ...login, READ_MODEL_CA: "PEM" });
  expect(target).toMatchObject({ kind: "mysql", host: "primary.example", port: 3306, database: "ledger" });
  expect(target).toMatchObject({ credentials: { username: "writer" }, tls: { ca: "PEM" } });
  const credentials = target.kind === "mysql" ? target.credentials : undefined;
  expect(credentials && "password" in credentials && credentials.password.reveal()).toBe("planted");
  const local = written({ READ_MODEL: "mysql://127.0.0.1:3306/ledger", ...login, READ_MODEL_TLS: "false" });
  expect(local).not.toHaveProperty("tls");
});

test("replicas are read, one or several", () => {
  const from = read({
    READ_MODEL_REPLICA: "mysql://a.example:3306/ledger, mysql://[::1]:3307/ledger",
    READ_MODEL_REPLICA_USERNAME: "reader",
    READ_MODEL_REPLICA_PASSWORD: "planted",
  });
  expect(from).toMatchObject({
    kind: "mysql",
    replicas: [
      { host: "a.example", port: 3306, tls: {} },
      { host: "::1", port: 3307, tls: {} },
    ],
  });
});

const azure = {
  AZURE_TENANT_ID: "a-tenant",
  AZURE_CLIENT_ID: "a-client",
  AZURE_FEDERATED_TOKEN: "planted",
  AZURE_AUTHORITY_HOST: "https://login.example",
};
const byToken = { READ_MODEL: "mysql://h:1/d", READ_MODEL_USERNAME: "writer", READ_MODEL_AUTH: "entra" };

test("a user may log in with the tokens of the workload's identity", () => {
  const target = written({ ...byToken, ...azure });
  expect(target).toMatchObject({
    credentials: {
      username: "writer",
      entra: {
        ...{ authority: "https://login.example/", tenant: "a-tenant", client: "a-client" },
        scope: "https://ossrdbms-aad.database.windows.net/.default",
      },
    },
  });
  expect(JSON.stringify(target)).not.toContain("planted");
  const from = read({
    ...{ READ_MODEL_REPLICA: "mysql://h:1/d", READ_MODEL_REPLICA_USERNAME: "reader" },
    ...{ READ_MODEL_REPLICA_AUTH: "entra", ...azure, AZURE_AUTHORITY_HOST: "" },
  });
  const authority = "https://login.microsoftonline.com/";
  expect(from).toMatchObject({ replicas: [{ credentials: { username: "reader", entra: { authority } } }] });
});

test.each<[Environment, string]>([
  [{ READ_MODEL: "mysql://u:planted@h:3306/d" }, "READ_MODEL holds credentials: put them into READ_MODEL_USERNAME"],
  [{ READ_MODEL: "mysql://h/d", ...login }, "READ_MODEL must be sqlite:<file>.sqlite or mysql://<host>:<port>/"],
  [{ READ_MODEL: "mysql://h:70000/d", ...login }, "READ_MODEL must be"],
  [{ READ_MODEL: "mysql://h:1/d" }, "READ_MODEL is a server: set READ_MODEL_USERNAME and READ_MODEL_PASSWORD"],
  [{ ...login }, "are for a mysql:// URL in READ_MODEL"],
  [{ READ_MODEL: "mysql://h:1/d", ...login, READ_MODEL_TLS: "false" }, "h is not this machine"],
  [
    { READ_MODEL: "mysql://localhost:1/d", ...login, READ_MODEL_TLS: "false", READ_MODEL_CA: "PEM" },
    "READ_MODEL_CA is of no use",
  ],
  [byToken, "READ_MODEL_AUTH is entra: set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE"],
  [{ ...byToken, ...azure, READ_MODEL_USERNAME: "" }, "READ_MODEL_AUTH is entra: set READ_MODEL_USERNAME"],
  [{ ...byToken, ...azure, READ_MODEL_PASSWORD: "planted" }, "READ_MODEL_AUTH is entra: remove READ_MODEL_PASSWORD"],
  [
    { ...byToken, ...azure, READ_MODEL: "mysql://127.0.0.1:1/d", READ_MODEL_TLS: "false" },
    "READ_MODEL_AUTH is entra, and READ_MODEL_TLS is false: tokens never cross a network in clear",
  ],
  [{ ...byToken, ...azure, AZURE_AUTHORITY_HOST: "http://h/" }, "AZURE_AUTHORITY_HOST must be an https:// URL"],
  [{ ...byToken, ...azure, AZURE_TENANT_ID: "../x" }, "AZURE_TENANT_ID must be a tenant's id or domain"],
  [{ READ_MODEL_AUTH: "entra" }, "are for a mysql:// URL in READ_MODEL"],
])("%j is refused", (environment, text) => {
  try {
    written(environment);
  } catch (error) {
    expect(isLedgerError(error, "config")).toBe(true);
    expect(String(error)).toContain(text);
    expect(String(error)).not.toContain("planted");
    return;
  }
  throw new Error("it was taken");
});
