import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { listSources } from "./sources.ts";
import { exceptions } from "./tidy-exceptions.ts";
import { parse, untidyPlaces } from "./tidy-rules.ts";

const root = resolve(import.meta.dirname, "..");
const files = listSources(root).map((path) => parse(path, readFileSync(join(root, path), "utf8")));
const faults = untidyPlaces(files, exceptions);
for (const { path, line, rule } of faults) console.error(`${path}:${line}: ${rule}`);
console.log(`tidy: ${files.length} files, ${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
