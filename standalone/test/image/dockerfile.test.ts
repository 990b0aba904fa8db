import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { listAt } from "../json.ts";

const root = resolve(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const dockerfile = read("docker/Dockerfile");
const workspaces = listAt(JSON.parse(read("package.json")), "workspaces").map(String);
/** Workspaces that only develop or measure the ledger. */
const notShipped = ["simulation", "bench"];
const shipped = workspaces.filter((name) => !notShipped.includes(name));
/** The stage that becomes the image. */
const image = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));

test("both bases are pinned by digest, and every stage starts from one of them", () => {
  const bases = [...dockerfile.matchAll(/^ARG (\w+_IMAGE)=(.+)$/gm)];
  expect(bases.map(([, name]) => name)).toEqual(["NODE_IMAGE", "BASE_IMAGE"]);
  for (const [, , reference] of bases) expect(reference).toMatch(/:[\w.-]+@sha256:[0-9a-f]{64}$/);
  const stages = [...dockerfile.matchAll(/^FROM (?:\$\{(\w+)\}|(.+))/gm)].map(
    ([, argument, other]) => argument ?? other,
  );
  expect(stages).toEqual(["NODE_IMAGE", "BASE_IMAGE"]);
});

test("the base has the version of Node that tests run on", () => {
  expect(dockerfile).toContain(`/node:${process.versions.node}-`);
});

test("every workspace that is shipped is in the image, with its manifest for npm, and no other is", () => {
  const manifests = [...dockerfile.matchAll(/^COPY (\S+)\/package\.json \1\/$/gm)].map(([, name]) => name);
  expect(manifests.sort()).toEqual([...shipped].sort());
  const sources = [...image.matchAll(/^COPY (\S+)\/src \1\/src$/gm)].map(([, name]) => name);
  expect(sources.sort()).toEqual([...shipped].sort());
});

test("what is copied exists, and .dockerignore lets it through", () => {
  const allowed = read(".dockerignore")
    .split("\n")
    .filter((line) => line.startsWith("!"))
    .map((line) => line.slice(1));
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, from = ""]) => from.split(" "));
  expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  const isAllowed = (path: string) => allowed.includes(path) || allowed.includes(path.replace(/^[^/]+\//, "*/"));
  expect(copied.filter((path) => !isAllowed(path))).toEqual([]);
});

test("Node is process 1, as a user without rights, and no secret is a build argument", () => {
  expect(image).toContain('ENTRYPOINT ["node", "/app/cli/bin/ledger.js"]');
  expect(image.match(/^USER (.+)$/gm)).toEqual(["USER 65532:65532"]);
  expect(image).toMatch(/^HEALTHCHECK .* CMD \["node"/m);
  expect(image).toContain("STOPSIGNAL SIGTERM");
  expect(dockerfile).not.toMatch(/^(ARG|ENV) .*(TOKEN|PASSWORD|SECRET|KEY)/m);
  expect(dockerfile).toContain("npm ci --omit=dev --ignore-scripts");
});
