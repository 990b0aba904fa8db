import { parseArgs } from "node:util";
import { checkDeployment } from "./check.ts";
import { findTools, installTools } from "./tools.ts";

/**
 * `npm run deployment`: checks the Dockerfile, the compose file and the chart. With --install, first installs the tools
 * for it; with --run, runs every container of the chart on engines of this machine, in the image of `npm run image`.
 */
const { values } = parseArgs({
  options: {
    install: { type: "boolean", default: false },
    run: { type: "boolean", default: false },
    image: { type: "string", default: "localhost/payledger:0.1.0" },
  },
});
if (values.install) await installTools(console.error);
const tools = findTools();
if (tools === undefined) {
  console.error("deployment: the tools are not installed: npm run deployment -- --install");
  process.exitCode = 1;
} else {
  await checkDeployment(tools, console.log);
  if (values.run) {
    const { runChart } = await import("./containers.ts");
    await runChart(tools.helm, values.image, console.log);
  }
}
