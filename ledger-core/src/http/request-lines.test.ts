import { pino } from "pino";
import { expect, test } from "vitest";
import { createEdge } from "./edge.ts";

/** The lines that two requests log. */
async function linesAt(level: string): Promise<unknown[]> {
  const lines: unknown[] = [];
  const logger = pino({ level }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const app = await createEdge({ logger, authenticate: () => ({ tenant: "t", role: "operator", sub: "o" }) });
  app.get("/things/:id", (_request, reply) => reply.header("ledger-position", "0:7").send({}));
  await app.inject({ url: "/things/1", headers: { authorization: "Bearer x" } });
  await app.inject({ url: "/livez" });
  await app.close();
  return lines;
}

test("at debug, an answer is a line with its request and its position; a probe is none", async () => {
  expect(await linesAt("debug")).toMatchObject([
    {
      ...{ msg: "answered", request: expect.stringMatching(/^[0-9a-f]{12}-/), position: "0:7" },
      ...{ method: "GET", route: "/things/:id", status: 200, ms: expect.any(Number) },
    },
  ]);
});

test("at info, none is", async () => {
  expect(await linesAt("info")).toEqual([]);
});
