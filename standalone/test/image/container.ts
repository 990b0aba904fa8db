import { output, runProgram } from "./programs.ts";

/** As on Kubernetes under the restricted profile; this machine's own network, and limits that it allows. */
const confined = [
  ...["--runtime", "runc", "--cgroup-manager", "cgroupfs", "--network", "host", "--no-healthcheck"],
  ...["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"],
  ...["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
];

export type ContainerOptions = {
  readonly name: string;
  readonly image: string;
  /** Arguments of the image's entry point. */
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Folders of this machine by their place in the container; with `ro` at the end, read-only. */
  readonly mounts?: Readonly<Record<string, string>>;
  /** Replaces the image's user. */
  readonly user?: string;
};

/** A container in the background, made so that it can be started again. */
export type Container = {
  readonly name: string;
  start(): Promise<void>;
  /** Sends SIGTERM, after `seconds` SIGKILL; returns the exit code. */
  stop(seconds: number): Promise<number>;
  /** Waits until it ends by itself; returns the exit code. */
  exit(): Promise<number>;
  /** The exit code; undefined while it runs. */
  ended(): Promise<number | undefined>;
  /** Runs a script in it by its own Node. */
  evaluate(script: string): Promise<string>;
  logs(): Promise<string>;
  remove(): Promise<void>;
};

export async function createContainer(options: ContainerOptions): Promise<Container> {
  const { name, image, args, environment = {}, mounts = {}, user } = options;
  await output("podman", [
    ...["create", "--replace", "--name", name, ...confined],
    ...Object.entries(environment).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
    ...Object.entries(mounts).flatMap(([place, folder]) => ["--volume", `${folder}:${place}`]),
    ...(user === undefined ? [] : ["--user", user]),
    ...[image, ...args],
  ]);
  const inspect = async (field: string) =>
    (await output("podman", ["container", "inspect", "--format", `{{.State.${field}}}`, name])).trim();
  return {
    name,
    start: async () => void (await output("podman", ["start", name])),
    async stop(seconds) {
      await output("podman", ["stop", "--time", String(seconds), name]);
      return Number(await inspect("ExitCode"));
    },
    exit: async () => Number((await output("podman", ["wait", name])).trim()),
    ended: async () => ((await inspect("Running")) === "true" ? undefined : Number(await inspect("ExitCode"))),
    evaluate: (script) => output("podman", ["exec", name, "node", "--input-type=module", "--eval", script]),
    async logs() {
      const { stdout, stderr } = await runProgram("podman", ["logs", name]);
      return `${stdout}${stderr}`;
    },
    remove: async () => void (await output("podman", ["rm", "--force", "--time", "0", "--volumes", name])),
  };
}

/** Waits until a service prints its addresses: from then on it stops in order. */
export async function untilStarted(container: Container): Promise<void> {
  while (!/^\{"service":/m.test(await container.logs())) {
    const code = await container.ended();
    if (code !== undefined) throw new Error(`${container.name} ended with ${code}:\n${await container.logs()}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const POLL_MS = 100;
const READY_MS = 180_000;

/** Waits until a container answers `url` with 200. @throws with its output if it ends, or takes too long */
export async function untilReady(container: Container, url: string): Promise<void> {
  const giveUp = performance.now() + READY_MS;
  let last = "no answer";
  for (let polls = 1; performance.now() < giveUp; polls++) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
      if (answer.ok) return;
      last = await answer.text();
    } catch (error) {
      last = String(error);
    }
    const code = polls % 10 === 0 ? await container.ended() : undefined;
    if (code !== undefined) throw new Error(`${container.name} ended with ${code}:\n${await container.logs()}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${container.name} is not ready: ${last}\n${(await container.logs()).slice(-4000)}`);
}
