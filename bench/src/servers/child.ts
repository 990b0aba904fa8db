import { createInterface } from "node:readline";
import type { FastifyInstance } from "fastify";

/** The options in the first argument, from the parent. */
export function childOptions<T>(parse: (value: unknown) => T): T {
  return parse(JSON.parse(process.argv[2] ?? "{}"));
}

/** Reports that the child is ready, then answers each line with a line until its input ends. */
export async function serveParent(
  ready: object,
  answer: (question: unknown) => Promise<object>,
  stop: () => Promise<void>,
) {
  process.stdout.write(`${JSON.stringify(ready)}\n`);
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
  }
  await stop();
}

/** Memory in bytes: now, and the peak since the process started. */
export function memory(): { readonly rssBytes: number; readonly rssMostBytes: number; readonly cpuSeconds: number } {
  const { user, system } = process.cpuUsage();
  const rssMostBytes = process.resourceUsage().maxRSS * 1024;
  return { rssBytes: process.memoryUsage.rss(), rssMostBytes, cpuSeconds: (user + system) / 1e6 };
}

/** Listens on any free loopback port and returns it. */
export async function listenAnywhere(app: FastifyInstance): Promise<number> {
  await app.listen({ host: "127.0.0.1", port: 0 });
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new Error("a server without a port");
  return address.port;
}
