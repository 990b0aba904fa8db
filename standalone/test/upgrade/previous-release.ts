import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { at, listAt, textAt } from "../json.ts";

const root = resolve(import.meta.dirname, "../../..");
const run = promisify(execFile);
/** git and npm print little; this bounds what a fault prints. */
const OUTPUT_MAX = 64 * 1024 * 1024;

/** The release before this one, whose programs run beside today's in the upgrade test. */
export type PreviousRelease =
  | { readonly kind: "found"; readonly version: string; readonly root: string }
  | { readonly kind: "absent"; readonly reason: string };

/**
 * Finds the previous release's programs, and checks them out of the history if need be. They use today's node_modules
 * where those hold the same packages; otherwise their own, which only `install` fetches.
 */
export async function previousRelease({ install = false } = {}): Promise<PreviousRelease> {
  const named: unknown = JSON.parse(readFileSync(join(import.meta.dirname, "previous-release.json"), "utf8"));
  const version = textAt(named, "version");
  const commit = textAt(named, "commit");
  const folder = join(root, ".cache/releases", commit);
  if (existsSync(folder) && isUsable(folder)) return { kind: "found", version, root: folder };
  if (!(await isInHistory(commit))) {
    return { kind: "absent", reason: `release ${version} (${commit}) is not in this clone: git fetch --unshallow` };
  }
  const lock = JSON.parse((await git("show", `${commit}:package-lock.json`)).stdout);
  if (!install && !sharesPackages(lock)) {
    return { kind: "absent", reason: `release ${version} needs packages of its own: npm run previous-release` };
  }
  await checkOut(commit, folder, lock);
  return { kind: "found", version, root: folder };
}

/** A folder that borrows packages may have been made when today's were others. */
function isUsable(folder: string): boolean {
  const owned = existsSync(join(folder, "node_modules/.package-lock.json"));
  return owned || sharesPackages(JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8")));
}

async function isInHistory(commit: string): Promise<boolean> {
  return git("cat-file", "-e", `${commit}^{commit}`).then(
    () => true,
    () => false,
  );
}

function git(...args: readonly string[]): Promise<{ stdout: string }> {
  return run("git", [...args], { cwd: root, maxBuffer: OUTPUT_MAX });
}

/** Whether today's node_modules hold every package that a lock file names for production, in its version. */
function sharesPackages(lock: unknown): boolean {
  const today: unknown = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  return Object.entries(Object(at(lock, "packages"))).every(([path, entry]) => {
    const borrowed = path.includes("node_modules/") && at(entry, "link") !== true && at(entry, "dev") !== true;
    return !borrowed || at(today, "packages", path, "version") === at(entry, "version");
  });
}

/** Makes the whole folder under another name first: two test runs may do so at once. */
async function checkOut(commit: string, folder: string, lock: unknown): Promise<void> {
  const releases = resolve(folder, "..");
  mkdirSync(releases, { recursive: true });
  const draft = mkdtempSync(`${folder}-`);
  try {
    await git("archive", "--format=tar", `--output=${draft}/tree.tar`, commit);
    await run("tar", ["-xf", join(draft, "tree.tar"), "-C", draft]);
    rmSync(join(draft, "tree.tar"));
    if (sharesPackages(lock)) borrowPackages(draft);
    else await run("npm", ["ci", "--omit=dev", "--no-audit", "--no-fund"], { cwd: draft, maxBuffer: OUTPUT_MAX });
    rmSync(folder, { recursive: true, force: true });
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

/** Links to today's packages, but to the release's own workspaces. */
function borrowPackages(tree: string): void {
  const workspaces = listAt(JSON.parse(readFileSync(join(tree, "package.json"), "utf8")), "workspaces").map(String);
  for (const owner of ["", ...workspaces]) {
    const packages = join(root, owner, "node_modules");
    if (!existsSync(packages)) continue;
    mkdirSync(join(tree, owner, "node_modules"), { recursive: true });
    for (const name of readdirSync(packages).filter((entry) => !entry.startsWith(".") && !isWorkspace(entry))) {
      symlinkSync(join(packages, name), join(tree, owner, "node_modules", name));
    }
  }
  for (const name of workspaces) symlinkSync(join("..", name), join(tree, "node_modules", name));

  function isWorkspace(name: string): boolean {
    return workspaces.includes(name) || existsSync(join(root, name, "package.json"));
  }
}
