import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { text } from "node:stream/consumers";
import type { EntraTarget } from "../../process/entra-login.ts";

/** Where a workload exchanges its own token for access tokens, as at Entra, on the loopback interface. */
export type EntraServer = {
  readonly target: EntraTarget;
  /** The forms of the requests that it was sent. */
  readonly requests: readonly Readonly<Record<string, string>>[];
  /** The tokens that it gave, the newest last. */
  readonly given: readonly string[];
  /** How long the next tokens are valid, in seconds; the last number is that of all further ones. */
  validFor(...seconds: readonly number[]): void;
  /** Answers with an error as Entra does, until undefined. */
  fail(error: string | undefined): void;
  /** Closes connections without an answer, or answers again. */
  pause(paused: boolean): void;
  close(): Promise<void>;
};

const ASSERTION = "the-workload's-own-token";

/** @param certificate the server's own, in PEM, for localhost; without it, it answers in clear */
export async function startEntraServer(
  scope: string,
  certificate?: { readonly cert: string; readonly key: string },
): Promise<EntraServer> {
  const requests: Record<string, string>[] = [];
  const given: string[] = [];
  let validities: readonly number[] = [3600];
  let fault: string | undefined;
  let isPaused = false;
  const answer: RequestListener = async (request, response) => {
    if (isPaused) return void request.socket.destroy();
    const form = new URLSearchParams(await text(request));
    requests.push({ path: request.url ?? "", ...Object.fromEntries(form) });
    response.setHeader("content-type", "application/json");
    if (fault !== undefined) {
      const told = { error: fault, error_codes: [700211], error_description: `assertion ${ASSERTION} is not known` };
      response.writeHead(400).end(JSON.stringify(told));
      return;
    }
    given.push(`access-token-${given.length + 1}-for-${form.get("scope")}`);
    const [seconds = 0, ...later] = validities;
    if (later.length > 0) validities = later;
    response.end(JSON.stringify({ token_type: "Bearer", expires_in: seconds, access_token: given.at(-1) }));
  };
  const server = certificate ? createTlsServer(certificate, answer) : createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const origin = certificate ? "https://localhost" : "http://127.0.0.1";
  const authority = `${origin}:${typeof address === "object" ? address?.port : ""}/`;
  return {
    target: { authority, tenant: "a-tenant", client: "a-client", assertion: { reveal: () => ASSERTION }, scope },
    requests,
    given,
    validFor(...seconds) {
      validities = seconds;
    },
    fail(error) {
      fault = error;
    },
    pause(paused) {
      isPaused = paused;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
