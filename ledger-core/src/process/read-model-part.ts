import { isIP } from "node:net";
import { join } from "node:path";
import { assert } from "../domain/errors.ts";
import { type ConfigurationPart, configurationPart } from "./configuration.ts";
import {
  type AzureValues,
  azureSettings,
  checkEntraLogin,
  entraScopes,
  type Login,
  type LoginMethod,
  loginMethod,
  loginOf,
} from "./entra-login.ts";
import { documented, oneOf, optionalFile, optionalSecret, optionalText, type Secret, type Setting } from "./env.ts";
import { dataDir } from "./targets.ts";

/** A database on a MySQL or MariaDB server. */
export type MysqlTarget = {
  readonly kind: "mysql";
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly credentials: Login;
  /** Undefined: in clear, which is only for this machine. `ca`: PEM to trust, if not what Node trusts. */
  readonly tls?: { readonly ca?: string };
};

type ReadModelFile = { readonly kind: "sqlite"; readonly file: string };

/** Where the read models are written. */
export type ReadModelTarget = ReadModelFile | MysqlTarget;

/** Where the read models are read: the file, or each replica. */
export type ReadModelReplicas = ReadModelFile | { readonly kind: "mysql"; readonly replicas: readonly MysqlTarget[] };

type MysqlAddress = Pick<MysqlTarget, "kind" | "host" | "port" | "database">;
type ReadModelUrl = ReadModelFile | { readonly kind: "mysql"; readonly servers: readonly MysqlAddress[] };

const FORM = "mysql://<host>:<port>/<database>";
const mysqlForm = /^mysql:\/\/([A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})\/([A-Za-z0-9_]{1,64})$/;

function addressOf(text: string): MysqlAddress | undefined {
  const [whole, host = "", port = "", database = ""] = mysqlForm.exec(text) ?? [];
  if (whole === undefined || Number(port) > 65_535) return undefined;
  return { kind: "mysql", host: host.replace(/^\[|\]$/g, ""), port: Number(port), database };
}

function readModelUrl(name: string, many: boolean): Setting<ReadModelUrl | undefined> {
  const form = many ? `${FORM}, or several separated by commas` : FORM;
  return {
    absent: { allowed: true, value: undefined },
    standard: "sqlite:<LEDGER_DATA>/models.sqlite",
    parse(text) {
      if (text.includes("@"))
        return { fault: `holds credentials: put them into ${name}_USERNAME and ${name}_PASSWORD` };
      if (/^sqlite:[^?]+\.sqlite$/.test(text)) return { value: { kind: "sqlite", file: text.slice("sqlite:".length) } };
      const texts = many ? text.split(",") : [text];
      const servers = texts.flatMap((one) => addressOf(one.trim()) ?? []);
      if (servers.length < texts.length) return { fault: `must be sqlite:<file>.sqlite or ${form}` };
      return { value: { kind: "mysql", servers } };
    },
  };
}

/** Whether connections to a host do not leave this machine. */
function isLocal(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

type DatabaseValues = {
  readonly url?: ReadModelUrl | undefined;
  readonly username?: string | undefined;
  readonly password?: Secret | undefined;
  readonly ca?: string | undefined;
  readonly tls?: "true" | "false";
  readonly auth?: LoginMethod | undefined;
  readonly azure: AzureValues;
};

function checkDatabase(name: string, values: DatabaseValues, fault: (text: string) => void): void {
  const { url, username, password, ca, tls, auth, azure } = values;
  if (url?.kind !== "mysql") {
    if (username !== undefined || password !== undefined || ca !== undefined || auth === "entra")
      fault(`${name}_USERNAME, ${name}_PASSWORD, ${name}_AUTH and ${name}_CA are for a mysql:// URL in ${name}`);
    return;
  }
  if (auth === "entra") checkEntraLogin(name, { username, password, auth, azure, tls }, fault);
  else if (username === undefined || password === undefined)
    fault(`${name} is a server: set ${name}_USERNAME and ${name}_PASSWORD`);
  if (tls !== "false") return;
  if (ca !== undefined) fault(`${name}_CA is of no use while ${name}_TLS is false`);
  const far = url.servers.find(({ host }) => !isLocal(host));
  if (far) fault(`${name}_TLS is false, and ${far.host} is not this machine: only loopback may be in clear`);
}

/** The servers of checked settings. */
function serversOf({ url, username, password, ca, tls, auth, azure }: DatabaseValues): readonly MysqlTarget[] {
  const credentials = loginOf({ username, password, auth, azure }, entraScopes.mysql);
  assert(url?.kind === "mysql" && credentials, "the settings were checked");
  return url.servers.map((address) => ({
    ...address,
    credentials,
    ...(tls === "true" && { tls: ca === undefined ? {} : { ca } }),
  }));
}

const tlsSetting = documented(
  "Whether connections to it are encrypted; false only on this machine.",
  oneOf(["true", "false"], "true"),
);
const caSetting = documented("Certificates (PEM) to trust instead of those that Node.js trusts.", optionalFile());
const passwordSetting = documented("The password of that user.", optionalSecret({ lengthMin: 1 }));

/** Where projections write the read models, and `ledger migrate` makes their tables. */
export const readModelPart: ConfigurationPart<ReadModelTarget> = configurationPart({
  settings: {
    LEDGER_DATA: dataDir,
    READ_MODEL: documented(
      `Where the read models are written: a file, or the primary, ${FORM}.`,
      readModelUrl("READ_MODEL", false),
    ),
    READ_MODEL_USERNAME: documented("A user who may write and change tables there.", optionalText()),
    READ_MODEL_PASSWORD: passwordSetting,
    READ_MODEL_AUTH: loginMethod(),
    READ_MODEL_CA: caSetting,
    READ_MODEL_TLS: tlsSetting,
    ...azureSettings,
  },
  check: (values, fault) => checkDatabase("READ_MODEL", writtenValues(values), fault),
  build(values) {
    const { LEDGER_DATA, READ_MODEL } = values;
    if (READ_MODEL?.kind !== "mysql") return READ_MODEL ?? { kind: "sqlite", file: join(LEDGER_DATA, "models.sqlite") };
    const [server] = serversOf(writtenValues(values));
    assert(server, "there is one server");
    return server;
  },
});

type WrittenValues = AzureValues & {
  readonly READ_MODEL?: ReadModelUrl | undefined;
  readonly READ_MODEL_USERNAME?: string | undefined;
  readonly READ_MODEL_PASSWORD?: Secret | undefined;
  readonly READ_MODEL_CA?: string | undefined;
  readonly READ_MODEL_TLS?: "true" | "false";
  readonly READ_MODEL_AUTH?: LoginMethod;
};

function writtenValues(values: WrittenValues): DatabaseValues {
  const { READ_MODEL: url, READ_MODEL_USERNAME: username, READ_MODEL_PASSWORD: password } = values;
  const { READ_MODEL_CA: ca, READ_MODEL_TLS: tls, READ_MODEL_AUTH: auth } = values;
  return { url, username, password, ca, ...(tls && { tls }), auth, azure: values };
}

/** Where query-service reads the read models; it holds no credentials for the primary. */
export const readModelReplicaPart: ConfigurationPart<ReadModelReplicas> = configurationPart({
  settings: {
    LEDGER_DATA: dataDir,
    READ_MODEL_REPLICA: documented(
      `Where the read models are read: a file, or replicas, ${FORM}, separated by commas.`,
      readModelUrl("READ_MODEL_REPLICA", true),
    ),
    READ_MODEL_REPLICA_USERNAME: documented("A user who may only read there.", optionalText()),
    READ_MODEL_REPLICA_PASSWORD: passwordSetting,
    READ_MODEL_REPLICA_AUTH: loginMethod(),
    READ_MODEL_REPLICA_CA: caSetting,
    READ_MODEL_REPLICA_TLS: tlsSetting,
    ...azureSettings,
  },
  check: (values, fault) => checkDatabase("READ_MODEL_REPLICA", readValues(values), fault),
  build(values) {
    const { LEDGER_DATA, READ_MODEL_REPLICA: url } = values;
    if (url?.kind !== "mysql") return url ?? { kind: "sqlite", file: join(LEDGER_DATA, "models.sqlite") };
    return { kind: "mysql", replicas: serversOf(readValues(values)) };
  },
});

type ReadValues = AzureValues & {
  readonly READ_MODEL_REPLICA?: ReadModelUrl | undefined;
  readonly READ_MODEL_REPLICA_USERNAME?: string | undefined;
  readonly READ_MODEL_REPLICA_PASSWORD?: Secret | undefined;
  readonly READ_MODEL_REPLICA_CA?: string | undefined;
  readonly READ_MODEL_REPLICA_TLS?: "true" | "false";
  readonly READ_MODEL_REPLICA_AUTH?: LoginMethod;
};

function readValues(values: ReadValues): DatabaseValues {
  const { READ_MODEL_REPLICA: url, READ_MODEL_REPLICA_USERNAME: username } = values;
  const { READ_MODEL_REPLICA_PASSWORD: password, READ_MODEL_REPLICA_CA: ca, READ_MODEL_REPLICA_TLS: tls } = values;
  const { READ_MODEL_REPLICA_AUTH: auth } = values;
  return { url, username, password, ca, ...(tls && { tls }), auth, azure: values };
}
