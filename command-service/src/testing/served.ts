import type { FastifyInstance } from "fastify";
import type { Caller } from "ledger-core";
import { createEdge } from "ledger-core/http";
import { authenticator, createSigningKeys, signToken } from "ledger-core/http/tokens";
import { examples } from "ledger-core/testing";
import { pino } from "pino";
import { type CommandOptions, registerCommands } from "../http/routes.ts";

export type Sent = {
  readonly url: string;
  readonly body?: unknown;
  readonly caller?: Caller;
  readonly key?: string;
};

/** The routes of commands behind the real edge, and a way to send them requests with the right headers. */
export async function serveCommands(options: CommandOptions) {
  const keys = await createSigningKeys();
  const app: FastifyInstance = await createEdge({
    logger: pino({ level: "silent" }),
    authenticate: authenticator([keys.publicKey]),
    referenceVersion: "0.0.0",
  });
  registerCommands(app, options);
  let sent = 0;

  /** A POST by the operator with a new key, unless given otherwise. */
  async function post({ url, body, caller = examples.operator, key = `key-${sent++}` }: Sent) {
    const token = await signToken({ ...caller, ttlSeconds: 600 }, keys);
    const answer = await app.inject({
      method: "POST",
      url,
      headers: { authorization: `Bearer ${token}`, "idempotency-key": key },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
      ...(body === undefined ? {} : { headers: jsonHeaders(token, key) }),
    });
    return { status: answer.statusCode, headers: answer.headers, text: answer.body, json: answer.json() };
  }
  return { app, keys, post };
}

function jsonHeaders(token: string, key: string) {
  return { authorization: `Bearer ${token}`, "idempotency-key": key, "content-type": "application/json" };
}
