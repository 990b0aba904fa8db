import { spawn } from "node:child_process";
import { once } from "node:events";
import { userInfo } from "node:os";
import { azuriteKind } from "./azurite/install.ts";
import { type EngineKind, type EngineSource, findProgram, lookForEngine } from "./engine.ts";
import { gremlinKind } from "./gremlin/install.ts";
import { kafkaKind } from "./kafka/install.ts";
import { mariadbKind } from "./mariadb-process.ts";
import { redisKind } from "./redis/programs.ts";

/** Finds or installs the engines that the tests need, and prints a table of their sources. */
const rows = [
  await provide(mariadbKind),
  await provide(kafkaKind),
  await provide(redisKind),
  await provide(gremlinKind),
  await provide(azuriteKind),
];

for (const { name, state, detail } of rows) console.log(`${name.padEnd(15)} ${state.padEnd(10)} ${detail}`);
if (rows.some(({ state }) => state === "missing")) process.exitCode = 1;

type Row = { readonly name: string; readonly state: string; readonly detail: string };

async function provide<Local>(kind: EngineKind<Local>): Promise<Row> {
  const startMs = performance.now();
  const found = await lookForEngine(kind);
  if (found.kind !== "none") return rowOf(kind, found, "found");
  try {
    await installPackages(kind);
    await kind.install?.(console.error);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
  }
  const source = await lookForEngine(kind);
  const took = `installed in ${((performance.now() - startMs) / 1000).toFixed(1)} s`;
  return source.kind === "none" ? missing(kind) : rowOf(kind, source, took);
}

function rowOf<Local>(kind: EngineKind<Local>, source: EngineSource<Local>, how: string): Row {
  const { name } = kind;
  switch (source.kind) {
    case "url":
      return { name, state: "URL", detail: `${source.url.host} (${kind.variable})` };
    case "local":
      return { name, state: "local", detail: `${kind.describe(source.local)} (${how})` };
    case "container":
      return { name, state: "container", detail: kind.image };
    case "none":
      return missing(kind);
    default:
      return source satisfies never;
  }
}

function missing<Local>({ name, programs, variable, urlForm }: EngineKind<Local>): Row {
  const packages = [...new Set(Object.values(programs))].join(" ");
  const command = `apt-get install ${packages} && npm run engines`;
  return { name, state: "missing", detail: `${command}; or start Docker; or set ${variable}=${urlForm}` };
}

/** Installs the Debian packages of the missing programs, if that needs no password. */
async function installPackages<Local>({ name, programs }: EngineKind<Local>): Promise<void> {
  const absent = new Set<string>();
  for (const [program, from] of Object.entries(programs)) if (!(await findProgram(program))) absent.add(from);
  if (absent.size === 0 || !(await findProgram("apt-get"))) return;
  const root = userInfo().uid === 0 ? [] : ["sudo", "-n"];
  console.error(`${name}: installing ${[...absent].join(" ")}`);
  await runVisibly([...root, "apt-get", "update", "-q"]);
  const quietly = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-qy", "--no-install-recommends"];
  await runVisibly([...root, ...quietly, ...absent]);
}

async function runVisibly([command = "", ...args]: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ["ignore", 2, 2] });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${[command, ...args].join(" ")} ended with ${code}`);
}
