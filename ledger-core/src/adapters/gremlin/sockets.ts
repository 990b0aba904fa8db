import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Duplex } from "node:stream";

/** An agent whose sockets can be destroyed at once, also after the switch to WebSocket and during a handshake. */
export type SocketOwner = { readonly agent: HttpAgent; destroy(): void };

/** The driver has no way to let go of a connection that opens or closes and never ends doing so. */
export function ownSockets(tls: boolean): SocketOwner {
  const sockets = new Set<Duplex>();
  const keep = (socket: Duplex | null | undefined) => {
    if (socket) {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    }
    return socket;
  };
  const agent = tls
    ? new (class extends HttpsAgent {
        override createConnection(...args: Parameters<HttpsAgent["createConnection"]>) {
          return keep(super.createConnection(...args));
        }
      })()
    : new (class extends HttpAgent {
        override createConnection(...args: Parameters<HttpAgent["createConnection"]>) {
          return keep(super.createConnection(...args));
        }
      })();
  return {
    agent,
    destroy() {
      for (const socket of sockets) socket.destroy();
      agent.destroy();
    },
  };
}
