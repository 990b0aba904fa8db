#!/usr/bin/env node
// Plain JavaScript, so that an older Node can say what is missing: the sources are TypeScript, which it cannot read.
import module from "node:module";

const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(
    `ledger: needs Node 24 or later, and this is ${process.version}.\n` +
      "In the project's folder, after npm ci, use `npx ledger …` or the npm scripts: they bring Node 24 with them.\n",
  );
  process.exitCode = 1;
} else {
  // The kernel ignores signals that the first process of a container does not handle. Until a service stops in order, a
  // signal ends it at once.
  if (process.pid === 1)
    for (const signal of ["SIGTERM", "SIGINT"])
      process.on(signal, (_name, number) => {
        if (process.listenerCount(signal) === 1) process.exit(128 + number);
      });
  // Compiled sources are kept in the system's folder for temporary files: every command starts in half the time. Threads
  // use this cache only if the environment names it.
  const { directory } = module.enableCompileCache();
  if (directory) process.env.NODE_COMPILE_CACHE ??= directory;
  await import("../src/ledger.ts");
  // A service that runs by now may be killed, and would compile everything again at its next start.
  module.flushCompileCache();
}
