import { join } from "node:path";
import { type ConfigurationPart, configurationPart } from "./configuration.ts";
import {
  documented,
  integer,
  oneOf,
  optionalFile,
  optionalSecret,
  optionalText,
  type Secret,
  type Setting,
  textOr,
} from "./env.ts";

export type Credentials = { readonly username: string; readonly password: Secret };

/** Where the event log is. `ca`: PEM of the certificate authority to trust, if not the system's. */
export type EventLogTarget =
  | { readonly kind: "sqlite"; readonly file: string }
  | {
      readonly kind: "eventstoredb";
      /** `esdb://` or `esdb+discover://`, never with credentials. */
      readonly url: string;
      readonly credentials?: Credentials;
      readonly ca?: string;
    };

/** The broker that the log is mirrored to. */
export type BrokerTarget = { readonly kind: "none" } | KafkaTarget;

export type KafkaTarget = {
  readonly kind: "kafka";
  /** Each `host:port`. */
  readonly brokers: readonly string[];
  readonly topic: string;
  /** The client library. */
  readonly client: "kafkajs" | "platformatic";
  readonly tls?: { readonly ca?: string };
  /** SASL PLAIN. */
  readonly sasl?: Credentials;
};

export const hostForm = String.raw`(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])`;
const esdbForm = new RegExp(
  `^esdb(?:\\+discover)?://${hostForm}(?::\\d{1,5})?(?:,${hostForm}(?::\\d{1,5})?)*/?(?:\\?.*)?$`,
);
const kafkaForm = new RegExp(`^kafka://(${hostForm}:\\d{1,5}(?:,${hostForm}:\\d{1,5})*)/?$`);
export const credentialsForm = /:\/\/[^/?]*@/;

type EventLogUrl = { readonly kind: "sqlite"; readonly file: string } | { readonly kind: "eventstoredb"; url: string };

const eventLogUrl: Setting<EventLogUrl | undefined> = {
  absent: { allowed: true, value: undefined },
  standard: "sqlite:<LEDGER_DATA>/events.sqlite",
  parse(text) {
    if (credentialsForm.test(text))
      return { fault: "holds credentials: put them into EVENT_LOG_USERNAME and EVENT_LOG_PASSWORD" };
    if (/^sqlite:[^?]+$/.test(text)) return { value: { kind: "sqlite", file: text.slice("sqlite:".length) } };
    if (!esdbForm.test(text))
      return { fault: "must be sqlite:<file>, esdb://<host>:<port> or esdb+discover://<host>:<port>" };
    return { value: { kind: "eventstoredb", url: text } };
  },
};

/** The folder of a service's own files. */
export const dataDir = documented("The data folder: keys, decision state, and whatever is embedded.", textOr("./data"));

const eventLogSettings = {
  LEDGER_DATA: dataDir,
  EVENT_LOG: documented("Where the event log is.", eventLogUrl),
  EVENT_LOG_USERNAME: documented("The user of an EventStoreDB.", optionalText()),
  EVENT_LOG_PASSWORD: documented("The password of that user.", optionalSecret({ lengthMin: 1 })),
  EVENT_LOG_CA: documented("Certificates (PEM) to trust instead of the system's.", optionalFile()),
};

export const eventLogPart: ConfigurationPart<EventLogTarget> = configurationPart({
  settings: eventLogSettings,
  check({ EVENT_LOG, EVENT_LOG_USERNAME: username, EVENT_LOG_PASSWORD: password, EVENT_LOG_CA: ca }, fault) {
    if ((username === undefined) !== (password === undefined))
      fault("EVENT_LOG_USERNAME and EVENT_LOG_PASSWORD go together: set both or neither");
    if (EVENT_LOG?.kind !== "eventstoredb") {
      if (username !== undefined || ca !== undefined)
        fault("EVENT_LOG_USERNAME, EVENT_LOG_PASSWORD and EVENT_LOG_CA are for an esdb:// URL in EVENT_LOG");
    } else if (username !== undefined && /[?&]tls=false/.test(EVENT_LOG.url)) {
      fault("EVENT_LOG says tls=false, and EVENT_LOG_PASSWORD would cross the network in clear: remove one of them");
    }
  },
  build({ LEDGER_DATA, EVENT_LOG, EVENT_LOG_USERNAME: username, EVENT_LOG_PASSWORD: password, EVENT_LOG_CA: ca }) {
    if (EVENT_LOG === undefined) return { kind: "sqlite", file: join(LEDGER_DATA, "events.sqlite") };
    if (EVENT_LOG.kind === "sqlite") return EVENT_LOG;
    return {
      ...EVENT_LOG,
      ...(username !== undefined && password !== undefined && { credentials: { username, password } }),
      ...(ca !== undefined && { ca }),
    };
  },
});

const brokerUrl: Setting<readonly string[]> = {
  absent: { allowed: true, value: [] },
  standard: "none",
  parse(text) {
    if (credentialsForm.test(text))
      return { fault: "holds credentials: put them into BROKER_USERNAME and BROKER_PASSWORD" };
    if (text === "none") return { value: [] };
    const match = kafkaForm.exec(text);
    if (!match) return { fault: "must be none or kafka://<host>:<port>[,<host>:<port>…]" };
    return { value: match[1]?.split(",") ?? [] };
  },
};

export const brokerPart: ConfigurationPart<BrokerTarget> = configurationPart({
  settings: {
    BROKER: documented("The broker that the log is mirrored to, such as the Kafka endpoint of Event Hubs.", brokerUrl),
    BROKER_TOPIC: documented("Its topic; it must exist, with a partition per shard.", textOr("ledger-events")),
    BROKER_TLS: documented("Whether the connection is encrypted.", oneOf(["true", "false"], "true")),
    BROKER_CA: documented("Certificates (PEM) to trust instead of the system's.", optionalFile()),
    BROKER_USERNAME: documented("The SASL user; for Event Hubs the text $ConnectionString.", optionalText()),
    BROKER_PASSWORD: documented("The SASL password or connection string.", optionalSecret({ lengthMin: 1 })),
    BROKER_CLIENT: documented(
      "The Kafka client library; change it for all processes at once.",
      oneOf(["kafkajs", "platformatic"], "kafkajs"),
    ),
  },
  check({ BROKER, BROKER_TLS, BROKER_CA, BROKER_USERNAME: username, BROKER_PASSWORD: password }, fault) {
    if ((username === undefined) !== (password === undefined))
      fault("BROKER_USERNAME and BROKER_PASSWORD go together: set both or neither");
    if (BROKER?.length === 0 && (username !== undefined || BROKER_CA !== undefined))
      fault("BROKER_USERNAME, BROKER_PASSWORD and BROKER_CA are for a kafka:// URL in BROKER");
    if (BROKER_TLS === "false" && username !== undefined)
      fault("BROKER_TLS is false, and BROKER_PASSWORD would cross the network in clear: remove one of them");
    if (BROKER_TLS === "false" && BROKER_CA !== undefined) fault("BROKER_CA is of no use while BROKER_TLS is false");
  },
  build({ BROKER, BROKER_TOPIC, BROKER_TLS, BROKER_CA, BROKER_USERNAME, BROKER_PASSWORD, BROKER_CLIENT }) {
    if (BROKER.length === 0) return { kind: "none" };
    return {
      ...{ kind: "kafka", brokers: BROKER, topic: BROKER_TOPIC, client: BROKER_CLIENT },
      ...(BROKER_TLS === "true" && { tls: BROKER_CA === undefined ? {} : { ca: BROKER_CA } }),
      ...(BROKER_USERNAME !== undefined &&
        BROKER_PASSWORD !== undefined && { sasl: { username: BROKER_USERNAME, password: BROKER_PASSWORD } }),
    };
  },
});

const groupName: Setting<string | undefined> = {
  ...optionalText(),
  parse: (text) =>
    /^[\w.-]{1,200}$/.test(text) ? { value: text } : { fault: "must be 1 to 200 letters, digits, dots, _ or -" },
};

export const consumerGroupPart: ConfigurationPart<string | undefined> = configurationPart({
  settings: {
    BROKER_GROUP: documented(
      "The consumer group of projections, whose names are added to it: its members share the shards, and commit " +
        "how much is applied, so that their lag can be watched. Without it, each process reads every shard.",
      groupName,
    ),
  },
  build: ({ BROKER_GROUP }) => BROKER_GROUP,
});

export const shardsPart = configurationPart({
  settings: {
    LEDGER_SHARDS: documented("How many shards the log has.", integer({ min: 1, max: 1024, otherwise: 1 })),
  },
  build: ({ LEDGER_SHARDS }) => LEDGER_SHARDS,
});
