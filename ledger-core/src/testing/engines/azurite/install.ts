import { spawn } from "node:child_process";
import { hash } from "node:crypto";
import { once } from "node:events";
import { access, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type EngineKind, engineCache, findProgram } from "../engine.ts";

/** The script of its blob service, which runs on the Node of the tests. */
export type AzuritePrograms = { readonly script: string };

/** Its package.json and lock file. */
const source = join(import.meta.dirname, "npm");

/** Azurite, which behaves like Azure Storage, from npm: too large to be a dependency of the project. */
export const azuriteKind: EngineKind<AzuritePrograms> = {
  name: "Azurite",
  variable: "AZURITE_URL",
  urlForm: "http://host:port",
  image: "mcr.microsoft.com/azure-storage/azurite:3.34.0",
  programs: { npm: "npm" },
  describe: ({ script }) => script,
  async find() {
    const folder = await cacheFolder();
    const isComplete = await access(join(folder, "complete")).then(
      () => true,
      () => false,
    );
    return isComplete ? { script: join(folder, "node_modules/azurite/dist/src/blob/main.js") } : undefined;
  },
  async install(tell) {
    const folder = await cacheFolder();
    const npm = await findProgram("npm");
    if (!npm) throw new Error("Azurite is installed by npm, which is not there");
    tell("Azurite: installing it with npm (190 MB)");
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    for (const file of ["package.json", "package-lock.json"]) await cp(join(source, file), join(folder, file));
    const args = ["ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"];
    const child = spawn(npm, args, { cwd: folder, stdio: ["ignore", 2, 2] });
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`npm could not install Azurite: it ended with ${code}`);
    await writeFile(join(folder, "complete"), "");
  },
};

/** One folder per lock file, so that a new version gets a new folder. */
async function cacheFolder(): Promise<string> {
  const lock = await readFile(join(source, "package-lock.json"));
  return join(engineCache, `azurite-${hash("sha256", lock).slice(0, 12)}`);
}
