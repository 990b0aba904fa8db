import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { at, listAt, textAt } from "../json.ts";

const root = resolve(import.meta.dirname, "../../..");
const file = join(root, "docker/compose.yaml");
const compose: unknown = parse(readFileSync(file, "utf8"), { merge: true });
const entries = (value: unknown): [string, unknown][] =>
  typeof value === "object" && value !== null ? Object.entries(value) : [];
const names = (...path: string[]) => entries(at(compose, ...path)).map(([name]) => name);
const services = entries(at(compose, "services"));
const isOurs = (service: unknown) => textAt(service, "image").includes("PAYLEDGER_IMAGE");

/** The settings of docs/configuration.md, which a test compares with the code: name, services. */
const settings = new Map(
  [...readFileSync(join(root, "docs/configuration.md"), "utf8").matchAll(/^\| `(\w+)` \| ([\w, -]+) \|.*\|$/gm)].map(
    ([row, name = "", used = ""]) => [name, { services: used.split(", "), file: row.includes("file_") }],
  ),
);

const kafka = [
  ...["NODE_ID", "PROCESS_ROLES", "LISTENERS", "ADVERTISED_LISTENERS", "LISTENER_SECURITY_PROTOCOL_MAP"],
  ...["CONTROLLER_LISTENER_NAMES", "CONTROLLER_QUORUM_VOTERS", "LOG_DIRS", "AUTO_CREATE_TOPICS_ENABLE"],
  ...["OFFSETS_TOPIC_REPLICATION_FACTOR", "TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "MESSAGE_MAX_BYTES"],
  "TRANSACTION_STATE_LOG_MIN_ISR",
];
/** The variables that each image documents; Kafka's are its settings in capitals. */
const documented: Readonly<Record<string, readonly string[]>> = {
  "eventstore/eventstore": ["EVENTSTORE_CLUSTER_SIZE", "EVENTSTORE_RUN_PROJECTIONS", "EVENTSTORE_INSECURE"],
  "apache/kafka": kafka.map((name) => `KAFKA_${name}`),
  "library/mysql": ["MYSQL_ROOT_PASSWORD", "MYSQL_INITDB_SKIP_TZINFO", "MYSQL_PWD"],
};

test("the settings of our services are settings of those services", () => {
  expect(settings.size).toBeGreaterThan(50);
  for (const [name, service] of services.filter(([, one]) => isOurs(one))) {
    const words = at(service, "command") === undefined ? [] : listAt(service, "command").map(String);
    const [command, ledgerService] = words;
    // `ledger migrate` reads the settings of the projections' store.
    const reads = command === "migrate" ? "projections" : ledgerService;
    for (const [variable] of entries(at(service, "environment"))) {
      const setting = settings.get(variable) ?? settings.get(variable.replace(/_FILE$/, ""));
      expect(setting?.services, `${variable} of ${name}`).toContain(reads);
      if (!settings.has(variable)) expect(setting?.file, `${variable} of ${name}`).toBe(true);
    }
  }
});

test("the variables of other images are documented ones", () => {
  for (const [name, service] of services.filter(([, one]) => !isOurs(one))) {
    const image = textAt(service, "image");
    const known = Object.entries(documented).find(([part]) => image.includes(`/${part}:`))?.[1];
    for (const [variable] of entries(at(service, "environment"))) expect(known, name).toContain(variable);
  }
});

test("volumes, configs and services that a service names exist, and everything declared is used", () => {
  const used = { volumes: new Set<string>(), configs: new Set<string>() };
  for (const [name, service] of services) {
    for (const volume of at(service, "volumes") === undefined ? [] : listAt(service, "volumes")) {
      const [source = ""] = String(volume).split(":");
      if (source.startsWith(".")) expect(existsSync(join(root, "docker", source)), `${name}: ${source}`).toBe(true);
      else used.volumes.add(source);
    }
    for (const config of at(service, "configs") === undefined ? [] : listAt(service, "configs"))
      used.configs.add(textAt(config, "source"));
    for (const [other] of entries(at(service, "depends_on"))) expect(names("services"), name).toContain(other);
  }
  expect([...used.volumes].sort()).toEqual(names("volumes").sort());
  expect([...used.configs].sort()).toEqual(names("configs").sort());
});

test("our services are confined, engines have a fixed version, and only loopback is published", () => {
  for (const [name, service] of services) {
    if (isOurs(service))
      expect(service, name).toMatchObject({
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
      });
    else expect(textAt(service, "image"), name).toMatch(/^[a-z0-9.]+\/[a-z/-]+:\d[\w.-]*$/);
    for (const port of at(service, "ports") === undefined ? [] : listAt(service, "ports"))
      expect(port, name).toMatch(/^127\.0\.0\.1:/);
  }
});

test("whatever others wait for to be healthy says whether it is", () => {
  const ours = new Set(services.filter(([, service]) => isOurs(service)).map(([name]) => name));
  for (const [name, service] of services)
    for (const [other, condition] of entries(at(service, "depends_on")))
      if (textAt(condition, "condition") === "service_healthy" && !ours.has(other))
        expect(at(compose, "services", other, "healthcheck", "test"), `${other}, for ${name}`).toBeDefined();
});
