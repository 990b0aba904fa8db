import { createServer } from "node:net";
import { serveParent } from "./child.ts";

/** A socket that answers every request with fixed bytes: the upper limit of the load process. */
const body = '{"status":201}';
const reply = Buffer.from(`HTTP/1.1 201 Created\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
const head = Buffer.from("POST ");
const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.on("data", (chunk) => {
    if (chunk.subarray(0, head.length).equals(head)) socket.write(reply);
  });
  socket.on("error", () => socket.destroy());
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = server.address();
const port = typeof address === "object" ? address?.port : undefined;
const stop = async () => {
  server.close();
};
await serveParent({ port }, async () => ({}), stop);
