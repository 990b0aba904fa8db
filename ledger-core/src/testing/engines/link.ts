import { once } from "node:events";
import { createServer, Socket } from "node:net";
import { freePort } from "./child-engine.ts";

/** A TCP proxy between a client and an engine, which a test can cut or stall. */
export type Link = {
  readonly port: number;
  /** Closes every connection and refuses new ones. */
  cut(): void;
  /** Keeps connections open but delivers nothing in either direction. */
  hold(): void;
  /** Keeps connections open and delivers requests, but no responses. */
  mute(): void;
  /** Delivers everything again. */
  mend(): void;
  close(): Promise<void>;
};

/** Opens a link on a free port; `target` returns the engine's port for each new connection. */
export async function openLink(target: () => number): Promise<Link> {
  let state: "open" | "cut" | "held" | "muted" = "open";
  const clients = new Set<Socket>();
  const engines = new Set<Socket>();

  function forward(from: Socket, to: Socket, side: Set<Socket>): void {
    side.add(from);
    const stopped = () => state === "held" || (state === "muted" && side === engines);
    if (stopped()) from.pause();
    from.on("data", (bytes) => {
      if (!to.write(bytes)) from.pause();
    });
    to.on("drain", () => stopped() || from.resume());
    from.on("end", () => to.end());
    from.on("error", () => to.destroy());
    from.on("close", () => {
      side.delete(from);
      to.destroy();
    });
  }

  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    if (state === "cut") return void client.destroy();
    const engine = new Socket({ allowHalfOpen: true });
    forward(client, engine, clients);
    forward(engine, client, engines);
    engine.setNoDelay(true).connect(target(), "127.0.0.1");
  });
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");

  const endAll = () => {
    for (const socket of [...clients, ...engines]) socket.destroy();
  };
  return {
    port,
    cut() {
      state = "cut";
      endAll();
    },
    hold() {
      state = "held";
      for (const socket of [...clients, ...engines]) socket.pause();
    },
    mute() {
      state = "muted";
      for (const socket of clients) socket.resume();
      for (const socket of engines) socket.pause();
    },
    mend() {
      state = "open";
      for (const socket of [...clients, ...engines]) socket.resume();
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      endAll();
      await closed;
    },
  };
}
