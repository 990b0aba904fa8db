import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { optionalText, readSettings } from "../../process/env.ts";

/** An engine that tests need and a machine may lack. `Local` holds the paths of its programs. */
export type EngineKind<Local> = {
  readonly name: string;
  /** The environment variable with the URL of a running engine. */
  readonly variable: string;
  /** The form of that URL. */
  readonly urlForm: string;
  /** The container image, for machines with Docker. */
  readonly image: string;
  /** The programs that the engine and `install` need, each with its Debian package. */
  readonly programs: Readonly<Record<string, string>>;
  /** Finds the programs on this machine; undefined if one is missing. */
  find(): Promise<Local | undefined>;
  describe(local: Local): string;
  /** Downloads the parts that no package provides into the cache folder; does nothing if they are there. */
  install?(tell: (text: string) => void): Promise<void>;
};

/** Where to get an engine, in order of preference. */
export type EngineSource<Local> =
  | { readonly kind: "url"; readonly url: URL }
  | { readonly kind: "local"; readonly local: Local }
  | { readonly kind: "container" }
  | { readonly kind: "none"; readonly reason: string };

/** Files of engines, kept between runs; git ignores the folder. */
export const engineCache = resolve(import.meta.dirname, "../../../../.cache/engines");

/** Looks for an engine: a URL in the environment, local programs, Docker. */
export async function lookForEngine<Local>(kind: EngineKind<Local>): Promise<EngineSource<Local>> {
  const { url } = readUrl(kind.variable);
  if (url !== undefined) return { kind: "url", url: new URL(url) };
  const local = await kind.find();
  if (local !== undefined) return { kind: "local", local };
  if (await dockerRuns()) return { kind: "container" };
  const reason = `no ${kind.name}: run \`npm run engines\`, or Docker, or set ${kind.variable} (${kind.urlForm})`;
  return { kind: "none", reason };
}

/** Like `lookForEngine`, for tests. @throws in CI (CI=true) if there is no engine, so that nothing is skipped there */
export async function findEngine<Local>(kind: EngineKind<Local>): Promise<EngineSource<Local>> {
  const source = await lookForEngine(kind);
  if (source.kind === "none" && readSettings({ CI: optionalText() }).CI === "true") throw new Error(source.reason);
  return source;
}

/** How an engine is started, or joined, wherever it comes from. */
export type EngineWays<Local, Engine> = {
  url(url: URL): Promise<Engine>;
  local(local: Local): Promise<Engine>;
  container(): Promise<Engine>;
};

/** @throws if there is no engine */
export async function startEngine<Local, Engine>(
  source: EngineSource<Local>,
  ways: EngineWays<Local, Engine>,
): Promise<Engine> {
  switch (source.kind) {
    case "url":
      return ways.url(source.url);
    case "local":
      return ways.local(source.local);
    case "container":
      return ways.container();
    case "none":
      throw new Error(source.reason);
    default:
      return source satisfies never;
  }
}

function readUrl(variable: string): { url: string | undefined } {
  return { url: readSettings({ [variable]: optionalText() })[variable] };
}

async function dockerRuns(): Promise<boolean> {
  const asked = promisify(execFile)("docker", ["version", "--format", "{{.Server.Version}}"], { timeout: 5000 });
  return asked.then(
    () => true,
    () => false,
  );
}

/** Finds a program in PATH or in the folders of server programs. */
export async function findProgram(...names: readonly string[]): Promise<string | undefined> {
  const { PATH } = readSettings({ PATH: optionalText() });
  const folders = [...(PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin", "/usr/libexec"];
  for (const folder of folders.filter((one) => one !== ""))
    for (const name of names) {
      const path = join(folder, name);
      if (await runs(path)) return path;
    }
  return undefined;
}

async function runs(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
