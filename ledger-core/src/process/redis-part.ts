import { type ConfigurationPart, configurationPart } from "./configuration.ts";
import {
  documented,
  oneOf,
  optionalFile,
  optionalSecret,
  optionalText,
  type Secret,
  type Setting,
  type SettingValues,
} from "./env.ts";
import { type Credentials, credentialsForm, hostForm } from "./targets.ts";

/** A Redis, single or any nodes of one cluster. `none`: it is not used. */
export type RedisTarget =
  | { readonly kind: "none" }
  | {
      readonly kind: "redis";
      /** Each `host:port`. */
      readonly nodes: readonly string[];
      readonly credentials?: Credentials;
      readonly tls?: { readonly ca?: string };
    };

const passwordText = "Its password. An Entra token comes in a file, which is read again before the token expires.";

const sessionsSettings = {
  SESSIONS: documented(
    "Where session views are: queries on the read models, or redis://<host>:<port>, a cluster's nodes with commas.",
    redisUrl("SESSIONS", "models"),
  ),
  SESSIONS_TLS: documented("Whether the connection to it is encrypted.", oneOf(["true", "false"], "true")),
  SESSIONS_CA: documented("Certificates (PEM) to trust instead of the system's.", optionalFile()),
  SESSIONS_USERNAME: documented("The user of that Redis; with Entra, an object id.", optionalText()),
  SESSIONS_PASSWORD: documented(passwordText, optionalSecret({ lengthMin: 1 })),
};

/** Where session views are. */
export const sessionsPart: ConfigurationPart<RedisTarget> = configurationPart({
  settings: sessionsSettings,
  check: (given, fault) => checkRedis("SESSIONS", sessionsValues(given), fault),
  build: (values) => redisTarget(sessionsValues(values)),
});

function sessionsValues(given: Partial<SettingValues<typeof sessionsSettings>>): RedisValues {
  const { SESSIONS: nodes, SESSIONS_TLS: tls, SESSIONS_CA: ca } = given;
  return { nodes, tls, ca, username: given.SESSIONS_USERNAME, password: given.SESSIONS_PASSWORD };
}

const limitsSettings = {
  LIMITS: documented(
    "Where services share revoked tokens and quotas: the data folder, or redis://<host>:<port>, nodes with commas.",
    redisUrl("LIMITS", "memory"),
  ),
  LIMITS_TLS: documented("Whether the connection to it is encrypted.", oneOf(["true", "false"], "true")),
  LIMITS_CA: documented("Certificates (PEM) to trust instead of the system's.", optionalFile()),
  LIMITS_USERNAME: documented("The user of that Redis; with Entra, an object id.", optionalText()),
  LIMITS_PASSWORD: documented(passwordText, optionalSecret({ lengthMin: 1 })),
};

/** Where services share revoked tokens and counts of requests. */
export const limitsPart: ConfigurationPart<RedisTarget> = configurationPart({
  settings: limitsSettings,
  check: (given, fault) => checkRedis("LIMITS", limitsValues(given), fault),
  build: (values) => redisTarget(limitsValues(values)),
});

function limitsValues(given: Partial<SettingValues<typeof limitsSettings>>): RedisValues {
  const { LIMITS: nodes, LIMITS_TLS: tls, LIMITS_CA: ca } = given;
  return { nodes, tls, ca, username: given.LIMITS_USERNAME, password: given.LIMITS_PASSWORD };
}

/** The values of the settings of one Redis; one with a fault of its own is undefined. */
type RedisValues = {
  readonly nodes: readonly string[] | undefined;
  readonly tls: "true" | "false" | undefined;
  readonly ca: string | undefined;
  readonly username: string | undefined;
  readonly password: Secret | undefined;
};

const redisForm = new RegExp(`^redis://(${hostForm}:\\d{1,5}(?:,${hostForm}:\\d{1,5})*)/?$`);

/** The nodes of a Redis; none for `alternative`, the default. */
function redisUrl(name: string, alternative: string): Setting<readonly string[]> {
  return {
    absent: { allowed: true, value: [] },
    standard: alternative,
    parse(text) {
      if (credentialsForm.test(text))
        return { fault: `holds credentials: put them into ${name}_USERNAME and ${name}_PASSWORD` };
      if (text === alternative) return { value: [] };
      const match = redisForm.exec(text);
      if (!match) return { fault: `must be ${alternative} or redis://<host>:<port>[,<host>:<port>…]` };
      return { value: match[1]?.split(",") ?? [] };
    },
  };
}

function checkRedis(name: string, values: RedisValues, fault: (text: string) => void): void {
  const { nodes, tls, ca, username, password } = values;
  if ((username === undefined) !== (password === undefined))
    fault(`${name}_USERNAME and ${name}_PASSWORD go together: set both or neither`);
  if (nodes?.length === 0 && (username !== undefined || ca !== undefined))
    fault(`${name}_USERNAME, ${name}_PASSWORD and ${name}_CA are for a redis:// URL in ${name}`);
  if (tls === "false" && username !== undefined)
    fault(`${name}_TLS is false, and ${name}_PASSWORD would cross the network in clear: remove one of them`);
  if (tls === "false" && ca !== undefined) fault(`${name}_CA is of no use while ${name}_TLS is false`);
}

function redisTarget({ nodes = [], tls, ca, username, password }: RedisValues): RedisTarget {
  if (nodes.length === 0) return { kind: "none" };
  return {
    ...{ kind: "redis", nodes },
    ...(tls === "true" && { tls: ca === undefined ? {} : { ca } }),
    ...(username !== undefined && password !== undefined && { credentials: { username, password } }),
  };
}
