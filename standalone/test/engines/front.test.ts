import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { startFront } from "./front.ts";

test("the front says how long its own connections stay open, not how long those of a service do", async () => {
  const answer = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=72\r\nContent-Length: 0\r\n\r\n";
  const service = createServer((socket) => socket.on("data", () => socket.write(answer))).listen(0, "127.0.0.1");
  onTestFinished(() => void service.close());
  await once(service, "listening");
  const url = () => `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  const front = await startFront({ commands: url, queries: url, port: 0 });
  onTestFinished(front.stop);
  const { status, headers } = await fetch(front.url);
  expect(status).toBe(200);
  expect(headers.get("keep-alive")).toBe("timeout=5");
});
