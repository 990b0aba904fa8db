import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { output, runProgram } from "./programs.ts";

/** The images that the Dockerfile starts from. */
export type Bases = { readonly node: string; readonly run: string };

/** The packages of a C++ runtime without a shell: those of the base that the Dockerfile names. */
const runtime = ["base-files", "libc6", "libgcc-s1", "libstdc++6", "netbase", "tzdata"];
/** For npm and the steps of the build. */
const tools = ["coreutils", "dash", "findutils"];
const SUITE = "bookworm";

/**
 * Replacements for the Dockerfile's bases, from the packages of Debian and this machine's Node and npm, for machines
 * that reach no registry of images. They are kept under `cache`.
 */
export async function makeBases(cache: string, tell: (text: string) => void): Promise<Bases> {
  const npm = resolve(dirname(process.env.npm_execpath ?? "/usr/lib/node_modules/npm/bin/npm-cli.js"), "..");
  const nobody = [
    "printf 'root:x:0:0:root:/root:/sbin/nologin\\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\\n' " +
      '> "$1/etc/passwd"',
    "printf 'root:x:0:\\nnonroot:x:65532:\\n' > \"$1/etc/group\"",
  ];
  const withNpm = [
    'mkdir -p "$1/usr/local/bin" "$1/usr/local/lib/node_modules" "$1/root" "$1/tmp"',
    `cp '${process.execPath}' "$1/usr/local/bin/node"`,
    `cp -a '${npm}' "$1/usr/local/lib/node_modules/npm"`,
    'ln -s ../lib/node_modules/npm/bin/npm-cli.js "$1/usr/local/bin/npm"',
  ];
  return {
    run: await makeBase({ name: "payledger-base", packages: runtime, hooks: nobody, cache, tell }),
    node: await makeBase({
      ...{ name: "payledger-node", packages: [...runtime, ...tools], hooks: [...nobody, ...withNpm], cache, tell },
    }),
  };
}

type Base = {
  readonly name: string;
  readonly packages: readonly string[];
  /** Shell commands after the packages are extracted; $1 is the root. */
  readonly hooks: readonly string[];
  readonly cache: string;
  readonly tell: (text: string) => void;
};

async function makeBase({ name, packages, hooks, cache, tell }: Base): Promise<string> {
  const recipe = JSON.stringify([SUITE, packages, hooks, process.versions.node]);
  const key = createHash("sha256").update(recipe).digest("hex").slice(0, 12);
  const image = `localhost/${name}:${key}`;
  if ((await runProgram("podman", ["image", "exists", image])).code === 0) return image;
  const archive = join(cache, `${name}-${key}.tar`);
  if (!existsSync(archive)) {
    tell(`making ${name} from ${packages.length} packages of Debian ${SUITE}`);
    mkdirSync(cache, { recursive: true });
    const draft = `${archive}.${process.pid}.draft`;
    await output("mmdebstrap", [
      ...["--quiet", "--mode=root", "--variant=extract", "--format=tar", `--include=${packages.join(",")}`],
      ...[...hooks, clean].map((hook) => `--extract-hook=${hook}`),
      ...[SUITE, draft],
    ]);
    renameSync(draft, archive);
  }
  await output("podman", ["import", "--quiet", archive, image]);
  return image;
}

/** Guides are of no use in an image. */
const clean = 'rm -rf "$1/usr/share/doc" "$1/usr/share/man" "$1/usr/share/locale"';
