import { connect, type Socket } from "node:net";
import { createReplyReader, type HttpReply } from "./reply.ts";

/**
 * A keep-alive connection with one request in flight: the least that HTTP/1.1 requires of a client, so that the load
 * takes as little of the machine as possible.
 */
export type Connection = {
  /** Sends a request; its answer must arrive before the next may be sent. @throws if the server has closed it */
  send(request: string, onReply: (reply: HttpReply) => void): void;
  close(): void;
};

/**
 * Opens connections to a local port. Losing one with a request in flight ends the process, since the figure would be
 * wrong.
 */
export function openConnections(port: number, count: number): Promise<Connection[]> {
  return Promise.all(Array.from({ length: count }, () => open(port)));
}

function open(port: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(onSocket(socket));
    });
  });
}

function onSocket(socket: Socket): Connection {
  const read = createReplyReader();
  let waiting: ((reply: HttpReply) => void) | undefined;
  socket.setNoDelay(true);
  socket.on("data", (chunk: Buffer) => {
    const reply = read(chunk);
    if (!reply) return;
    const answered = waiting;
    waiting = undefined;
    answered?.(reply);
  });
  socket.on("error", (error) => {
    throw error;
  });
  socket.on("close", () => {
    if (waiting) throw new Error("the connection closed with a request under way");
  });
  return {
    send(request, onReply) {
      if (!socket.writable) throw new Error("the server has closed the connection, which was idle");
      waiting = onReply;
      socket.write(request, "latin1");
    },
    close() {
      waiting = undefined;
      socket.destroy();
    },
  };
}
