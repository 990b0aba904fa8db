import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeClosers } from "ledger-core/process";
import { findMariadb } from "ledger-core/testing/engines";
import { freePort } from "ledger-core/testing/engines/child";
import { findGremlin } from "ledger-core/testing/engines/gremlin";
import { findKafka } from "ledger-core/testing/engines/kafka";
import { findRedis } from "ledger-core/testing/engines/redis";
import { openDataFolder } from "../../src/data-folder.ts";
import { openBroker, openGraph, openLogServer, openReadModels, openRedis } from "../engines/engines.ts";
import { createContainer, untilReady, untilStarted } from "../image/container.ts";
import { at, listAt, textAt } from "../json.ts";
import { objectsOf, render } from "./chart.ts";
import { type ChartContainer, containersOf } from "./rules.ts";
import { engineValues } from "./values.ts";

/**
 * Renders the chart for engines on this machine, and starts each container of it, one after another, with its
 * arguments, environment, user and read-only root; each must say at /readyz that it is ready, and stop in order at the
 * end. Only its ports are others, since all share this machine's network. @throws with the output of one that does not
 */
export async function runChart(helm: string, image: string, tell: (text: string) => void): Promise<void> {
  const closers = makeClosers();
  const folder = mkdtempSync(join(tmpdir(), "payledger-chart-"));
  closers.push(async () => rmSync(folder, { recursive: true, force: true }));
  try {
    const data = join(folder, "engines");
    const log = await openLogServer(await keysFolder(data));
    closers.push(log.stop);
    const broker = await openBroker(await findKafka());
    closers.push(broker.stop);
    const models = await openReadModels(await findMariadb());
    closers.push(models.stop);
    const graph = await openGraph(await findGremlin());
    closers.push(graph.stop);
    const sessions = await openRedis(await findRedis());
    closers.push(sessions.stop);
    const environment = {
      ...{ ...log.environment, ...broker.environment, ...models.writing, ...models.reading },
      ...{ ...graph.environment, ...sessions.environment },
    };
    const { values, secrets } = engineValues(environment, image, data);
    const file = join(folder, "values.json");
    writeFileSync(file, JSON.stringify(values));
    const { code, stdout, stderr } = await render(helm, ["--values", file]);
    if (code !== 0) throw new Error(stderr);
    for (const one of inOrder(containersOf(objectsOf(stdout)))) {
      const stop = await startContainer(one, { folder, secrets, tell });
      closers.push(stop);
    }
  } finally {
    await closers.close();
  }
}

/** A data folder whose keys a Secret will hold. */
async function keysFolder(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  await openDataFolder(folder);
  return folder;
}

/** The migration first; a `helm test` needs the cluster's names and is left out. */
function inOrder(containers: readonly ChartContainer[]): ChartContainer[] {
  const rank = ({ owner }: ChartContainer) => (owner.startsWith("Job ") ? 0 : owner.startsWith("StatefulSet ") ? 1 : 2);
  return containers.filter(({ owner }) => !owner.startsWith("Pod ")).toSorted((a, b) => rank(a) - rank(b));
}

type Surroundings = {
  readonly folder: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly tell: (text: string) => void;
};

/** Returns how to stop it. */
async function startContainer(
  { owner, pod, container }: ChartContainer,
  surroundings: Surroundings,
): Promise<() => Promise<void>> {
  const { folder, tell } = surroundings;
  const [api, operations] = [await freePort(), await freePort()];
  const variables = listAt(container, "env").map((one) => [textAt(one, "name"), textAt(one, "value")]);
  const started = await createContainer({
    name: `payledger-chart-${process.pid}-${api}`,
    image: textAt(container, "image"),
    args: listAt(container, "args").map(String),
    environment: {
      ...Object.fromEntries(variables),
      ...{ LEDGER_PORT: String(api), LEDGER_OPERATIONS_PORT: String(operations) },
    },
    mounts: mountsOf({ pod, container }, mkdtempSync(join(folder, "pod-")), surroundings),
    user: String(at(pod, "securityContext", "runAsUser")),
  });
  const demandOk = async (code: number) => {
    if (code !== 0) throw new Error(`${owner} ended with ${code}:\n${await started.logs()}`);
  };
  try {
    const since = performance.now();
    await started.start();
    if (at(pod, "restartPolicy") === "OnFailure") {
      await demandOk(await started.exit());
      tell(`${owner}: ended with 0, ${(await started.logs()).trim()}`);
      return started.remove;
    }
    await untilReady(started, `http://127.0.0.1:${operations}/readyz`);
    await untilStarted(started);
    tell(`${owner}: ready after ${((performance.now() - since) / 1000).toFixed(1)} s`);
  } catch (error) {
    await started.remove();
    throw error;
  }
  return async () => {
    const code = await started.stop(Number(at(pod, "terminationGracePeriodSeconds")));
    await demandOk(code).finally(started.remove);
    tell(`${owner}: stopped with 0`);
  };
}

/** Folders in place of a pod's volumes: empty ones, and those with the files of its secrets. */
function mountsOf({ pod, container }: Omit<ChartContainer, "owner">, folder: string, { secrets }: Surroundings) {
  chmodSync(folder, 0o755);
  const mounts = listAt(container, "volumeMounts").map((mount): [string, string] => {
    const name = textAt(mount, "name");
    const path = join(folder, name);
    mkdirSync(path);
    chmodSync(path, 0o777);
    const volume = listAt(pod, "volumes").find((one) => at(one, "name") === name);
    const items = at(volume, "secret") === undefined ? [] : listAt(volume, "secret", "items");
    for (const item of items) {
      const secret = secrets[textAt(item, "key")];
      if (secret === undefined) throw new Error(`there is no secret ${textAt(item, "key")}`);
      writeFileSync(join(path, textAt(item, "path")), secret);
    }
    const readOnly = at(mount, "readOnly") === true ? ":ro" : "";
    return [`${textAt(mount, "mountPath")}${readOnly}`, path];
  });
  return Object.fromEntries(mounts.toSorted(([a], [b]) => a.length - b.length));
}
