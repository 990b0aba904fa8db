import { parseArgs } from "node:util";
import { buildImage, imageBytes, imagePrograms } from "./build.ts";
import { checkImage } from "./check.ts";
import { missingPrograms } from "./programs.ts";

/** `npm run image`: builds the image without Docker. With --check, runs it too. */
const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    tag: { type: "string", default: "localhost/payledger:0.1.0" },
  },
});
const missing = missingPrograms(imagePrograms);
if (missing.length > 0) {
  console.error(`image: this machine lacks ${missing.join(", ")}: apt-get install ${imagePrograms.join(" ")}`);
  process.exitCode = 1;
} else {
  const tag = await buildImage({ tag: values.tag, tell: console.error });
  console.log(`${tag}: ${((await imageBytes(tag)) / 1e6).toFixed(0)} MB`);
  if (values.check) await checkImage(tag, console.log);
}
