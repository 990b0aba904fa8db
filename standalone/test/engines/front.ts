import { createServer, type ServerResponse } from "node:http";
import { createProxyServer } from "httpxy";

/** The address in front of the services. */
export type Front = { readonly url: string; stop(): Promise<void> };

/**
 * Proxies every POST to the command service and everything else to the query service. Bodies pass through unread, so
 * that the services themselves validate them.
 */
export async function startFront(options: {
  readonly commands: () => string;
  readonly queries: () => string;
  readonly port: number;
}): Promise<Front> {
  const proxy = createProxyServer({ xfwd: true });
  const server = createServer((request, response) => {
    const target = request.method === "POST" ? options.commands() : options.queries();
    proxy.web(request, response, { target }).catch(() => unreachable(response));
  });
  // A service speaks of its own connections: a client that believed it would use one that is closed here.
  proxy.on("proxyRes", (answer) => {
    answer.headers["keep-alive"] = `timeout=${Math.floor(server.keepAliveTimeout / 1000)}`;
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(options.port, "127.0.0.1", listening);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      await closed;
    },
  };
}

/** The answer for a service that is starting or has exited. */
function unreachable(response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = { type: "/problems/not_ready", title: "The service is not ready", status: 503, code: "not_ready" };
  response.writeHead(503, { "content-type": "application/problem+json", "retry-after": "1" });
  response.end(JSON.stringify(body));
}
