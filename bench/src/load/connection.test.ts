import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { openConnections } from "./connection.ts";

test("a connection that the server has closed takes no request, instead of never answering it", async () => {
  const closing = Promise.withResolvers<void>();
  const server = createServer((socket) => void closing.promise.then(() => socket.destroy())).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const [connection] = await openConnections((server.address() as AddressInfo).port, 1);
  closing.resolve();
  await expect.poll(() => process.getActiveResourcesInfo()).not.toContain("TCPSocketWrap");
  expect(() => connection?.send("GET / HTTP/1.1\r\n\r\n", () => undefined)).toThrow("the server has closed");
});
