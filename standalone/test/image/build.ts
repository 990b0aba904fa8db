import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { makeBases } from "./bases.ts";
import { output } from "./programs.ts";

const root = resolve(import.meta.dirname, "../../..");

const imageCache = join(root, ".cache/images");
/** Programs that build and run images without Docker. */
export const imagePrograms = ["buildah", "podman", "runc", "mmdebstrap"];

/** Builds the image from docker/Dockerfile by buildah, on bases of our own. Returns its name. */
export async function buildImage(options: {
  readonly tag: string;
  readonly tell: (text: string) => void;
}): Promise<string> {
  const { tag, tell } = options;
  const bases = await makeBases(imageCache, tell);
  const secrets = mkdtempSync(join(tmpdir(), "payledger-build-"));
  try {
    const npmrc = join(secrets, "npmrc");
    const given = process.env.NODE_EXTRA_CA_CERTS;
    writeFileSync(npmrc, given === undefined ? "" : `cafile=${given}\n`);
    const revision = (await output("git", ["-C", root, "rev-parse", "HEAD"])).trim();
    const created = (await output("git", ["-C", root, "log", "-1", "--format=%cI"])).trim();
    tell(`building ${tag}`);
    await output("buildah", [
      // Docker's format: OCI's has no health check. One layer each, so that a change of sources keeps the packages.
      ...["bud", "--format", "docker", "--isolation", "chroot", "--layers"],
      ...["--build-arg", `NODE_IMAGE=${bases.node}`, "--build-arg", `BASE_IMAGE=${bases.run}`],
      ...["--build-arg", `REVISION=${revision}`, "--build-arg", `CREATED=${created}`],
      ...["--secret", `id=npmrc,src=${npmrc}`],
      // npm's cache saves fetching packages that this machine has fetched.
      ...["--volume", `${join(homedir(), ".npm")}:/root/.npm`],
      ...(given === undefined ? [] : ["--volume", `${given}:${given}:ro`]),
      ...["--tag", tag, "--file", join(root, "docker/Dockerfile"), root],
    ]);
    return tag;
  } finally {
    rmSync(secrets, { recursive: true });
  }
}

/** The bytes of an image's layers, unpacked. */
export async function imageBytes(tag: string): Promise<number> {
  return Number((await output("podman", ["image", "inspect", "--format", "{{.Size}}", tag])).trim());
}
