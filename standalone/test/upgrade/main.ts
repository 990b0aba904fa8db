import { previousRelease } from "./previous-release.ts";

/** `npm run previous-release`: makes the programs of the previous release ready for the upgrade test. */
const release = await previousRelease({ install: true });
if (release.kind === "found") {
  console.log(`release ${release.version}: ${release.root}`);
} else {
  console.error(release.reason);
  process.exitCode = 1;
}
