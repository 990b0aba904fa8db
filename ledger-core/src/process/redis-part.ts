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
import { credentialsForm, hostForm } from "./targets.ts";

/** A Redis, single or any nodes of one cluster. `none`: it is not used. */
export type RedisTarget =
  | { readonly kind: "none" }
  | {
      readonly kind: "redis";
      /** Each `host:port`. */
      readonly nodes: readonly string[];
      readonly credentials?: Login;
      readonly tls?: { readonly ca?: string };
    };

const passwordText = "Its password; one in a file is read again before it expires, if it is a token.";

const sessionsSettings = {
  SESSIONS: documented(
    "Where session views are: queries on the read models, or redis://<host>:<port>, a cluster's nodes with commas.",
    redisUrl("SESSIONS", "models"),
  ),
  SESSIONS_TLS: documented("Whether the connection to it is encrypted.", oneOf(["true", "false"], "true")),
  SESSIONS_CA: documented("Certificates (PEM) to trust instead of the system's.", optionalFile()),
  SESSIONS_USERNAME: documented("The user of that Redis; with Entra, an object id.", optionalText()),
  SESSIONS_PASSWORD: documented(passwordText, optionalSecret({ lengthMin: 1 })),
  SESSIONS_AUTH: loginMethod(),
  ...azureSettings,
};

/** Where session views are. */
export const sessionsPart: ConfigurationPart<RedisTarget> = configurationPart({
  settings: sessionsSettings,
  check: (given, fault) => checkRedis("SESSIONS", sessionsValues(given), fault),
  build: (values) => redisTarget(sessionsValues(values)),
});

function sessionsValues(given: Partial<SettingValues<typeof sessionsSettings>>): RedisValues {
  const { SESSIONS: nodes, SESSIONS_TLS: tls, SESSIONS_CA: ca } = given;
  const { SESSIONS_USERNAME: username, SESSIONS_PASSWORD: password, SESSIONS_AUTH: auth } = given;
  return { nodes, tls, ca, username, password, auth, azure: given };
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
  LIMITS_AUTH: loginMethod(),
  ...azureSettings,
};

/** Where services share revoked tokens and counts of requests. */
export const limitsPart: ConfigurationPart<RedisTarget> = configurationPart({
  settings: limitsSettings,
  check: (given, fault) => checkRedis("LIMITS", limitsValues(given), fault),
  build: (values) => redisTarget(limitsValues(values)),
});

function limitsValues(given: Partial<SettingValues<typeof limitsSettings>>): RedisValues {
  const { LIMITS: nodes, LIMITS_TLS: tls, LIMITS_CA: ca } = given;
  const { LIMITS_USERNAME: username, LIMITS_PASSWORD: password, LIMITS_AUTH: auth } = given;
  return { nodes, tls, ca, username, password, auth, azure: given };
}

/** The values of the settings of one Redis; one with a fault of its own is undefined. */
type RedisValues = {
  readonly nodes: readonly string[] | undefined;
  readonly tls: "true" | "false" | undefined;
  readonly ca: string | undefined;
  readonly username: string | undefined;
  readonly password: Secret | undefined;
  readonly auth: LoginMethod | undefined;
  readonly azure: AzureValues;
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
  const { nodes, tls, ca, username, password, auth, azure } = values;
  if (auth === "entra" && nodes?.length !== 0) checkEntraLogin(name, { username, password, auth, azure, tls }, fault);
  else if ((username === undefined) !== (password === undefined))
    fault(`${name}_USERNAME and ${name}_PASSWORD go together: set both or neither`);
  if (nodes?.length === 0 && (username !== undefined || ca !== undefined || auth === "entra"))
    fault(`${name}_USERNAME, ${name}_PASSWORD, ${name}_AUTH and ${name}_CA are for a redis:// URL in ${name}`);
  if (tls === "false" && password !== undefined)
    fault(`${name}_TLS is false, and ${name}_PASSWORD would cross the network in clear: remove one of them`);
  if (tls === "false" && ca !== undefined) fault(`${name}_CA is of no use while ${name}_TLS is false`);
}

function redisTarget({ nodes = [], tls, ca, ...login }: RedisValues): RedisTarget {
  if (nodes.length === 0) return { kind: "none" };
  const credentials = loginOf(login, entraScopes.redis);
  return {
    ...{ kind: "redis", nodes },
    ...(tls === "true" && { tls: ca === undefined ? {} : { ca } }),
    ...(credentials && { credentials }),
  };
}
