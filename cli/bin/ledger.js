#!/usr/bin/env node
// Plain JavaScript, so that an older Node can say what is missing: the sources are TypeScript, which it cannot read.
const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(
    `ledger: needs Node 24 or later, and this is ${process.version}.\n` +
      "In the project's folder, after npm ci, use `npx ledger …` or the npm scripts: they bring Node 24 with them.\n",
  );
  process.exitCode = 1;
} else {
  await import("../src/ledger.ts");
}
