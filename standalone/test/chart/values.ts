import { readFileSync } from "node:fs";
import { dataPaths } from "ledger-core/process/data-paths";

type Environment = Readonly<Record<string, string | undefined>>;

/** Values of the chart for engines that these settings lead to, and the secrets that the values only name. */
export function engineValues(environment: Environment, image: string, data: string) {
  const [repository = "", tag = ""] = image.split(/:(?=[^/]*$)/);
  const paths = dataPaths(data);
  const loopback = { cidrs: ["127.0.0.0/8"] };
  const store = (name: string) => ({
    url: environment[name] ?? "",
    username: environment[`${name}_USERNAME`] ?? "",
    ca: environment[`${name}_CA`] ?? "",
  });
  const tls = (name: string) => ({ tls: environment[`${name}_TLS`] !== "false" });
  const { GRAPH: url = "", GRAPH_DATABASE: database = "", GRAPH_NAME: name = "", GRAPH_CA: ca = "" } = environment;
  const values = {
    image: { repository, tag, pullPolicy: "Never" },
    secrets: { existingSecret: "payledger" },
    eventLog: store("EVENT_LOG"),
    broker: { ...store("BROKER"), ...tls("BROKER"), topic: environment.BROKER_TOPIC ?? "" },
    readModel: store("READ_MODEL"),
    readModelReplica: store("READ_MODEL_REPLICA"),
    graph: { url, database, name, ca, ...tls("GRAPH") },
    sessions: { ...store("SESSIONS"), ...tls("SESSIONS") },
    limits: { ...store("SESSIONS"), ...tls("SESSIONS") },
    projections: { autoscaling: { enabled: true } },
    export: { target: "folder:/data/lake", existingClaim: "lake" },
    networkPolicy: {
      egress: {
        ...{ eventLog: loopback, broker: loopback, readModel: loopback, readModelReplica: loopback },
        ...{ graph: loopback, sessions: loopback, limits: loopback },
      },
    },
  };
  const given = {
    "event-log-password": environment.EVENT_LOG_PASSWORD,
    "broker-password": environment.BROKER_PASSWORD,
    "read-model-password": environment.READ_MODEL_PASSWORD,
    "read-model-replica-password": environment.READ_MODEL_REPLICA_PASSWORD,
    "graph-key": environment.GRAPH_KEY,
    "sessions-password": environment.SESSIONS_PASSWORD,
    "limits-password": environment.SESSIONS_PASSWORD,
    "export-key": "pseudonyms-for-tests-0123456789abcdef",
    "cursor-key": readFileSync(paths.cursorKey, "utf8"),
    "token-signing-key": readFileSync(paths.tokenKey, "utf8"),
  };
  const secrets: Record<string, string> = {};
  for (const [secret, value] of Object.entries(given)) if (value !== undefined) secrets[secret] = value;
  return { values, secrets };
}
