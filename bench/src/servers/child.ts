import { createInterface } from "node:readline";
import type { FastifyInstance } from "fastify";

/** The options that the parent gave in the first argument. */
export function childOptions<T>(parse: (value: unknown) => T): T {
  return parse(JSON.parse(process.argv[2] ?? "{}"));
}

/** Reports that the child is ready, then answers each line with a line; ends with its input. */
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

/** Memory in bytes: now, and the most since the process began. */
export function memory(): { readonly rssBytes: number; readonly rssMostBytes: number; readonly cpuSeconds: number } {
  const { user, system } = process.cpuUsage();
  const rssMostBytes = process.resourceUsage().maxRSS * 1024;
  return { rssBytes: process.memoryUsage.rss(), rssMostBytes, cpuSeconds: (user + system) / 1e6 };
}

/** Listens on any free port of the loopback and says which. */
export async function listenAnywhere(app: FastifyInstance): Promise<number> {
  await app.listen({ host: "127.0.0.1", port: 0 });
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new Error("a server without a port");
  return address.port;
}
