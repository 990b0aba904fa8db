import { connect, type Socket } from "node:net";

/** Sockets of abusers, bounded in number and all closed at the end. */
export type Sockets = {
  /** Resolves with a socket once one is free; with undefined if it could not connect. */
  open(): Promise<Socket | undefined>;
  end(): void;
};

export function makeSockets(url: string, most: number): Sockets {
  const { hostname, port } = new URL(url);
  const open = new Set<Socket>();
  const waiting: (() => void)[] = [];
  return {
    async open() {
      while (open.size >= most) await new Promise<void>((free) => waiting.push(free));
      const socket = connect(Number(port), hostname);
      open.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        open.delete(socket);
        waiting.shift()?.();
      });
      // Unread answers would fill the buffers, and the socket would never end.
      socket.resume();
      return new Promise((ready) => {
        socket.once("connect", () => ready(socket));
        socket.once("close", () => ready(undefined));
      });
    },
    end() {
      for (const socket of open) socket.destroy();
      for (const free of waiting.splice(0)) free();
    },
  };
}
