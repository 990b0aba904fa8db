import type { FastifyInstance, FastifyReply } from "fastify";
import {
  type Caller,
  type ClientCommand,
  formatPosition,
  maySend,
  type Position,
  type Rejection,
  roles,
} from "ledger-core";
import { callerOf, idempotencyKey, idempotencyKeyField } from "ledger-core/http";
import { Problem, problemContentType, rejectionProblem } from "ledger-core/http/problems";
import { commandAnswers } from "ledger-core/http/schemas";
import type { Answer, Submission, Writer } from "../writer-port.ts";
import { type RenderedAnswer, renderAnswer } from "./answers.ts";

declare module "fastify" {
  interface FastifyRequest {
    idempotencyKey: string;
  }
}

/** The ports of the commands' routes. */
export type CommandPorts = { readonly writer: Writer; readonly waits: KeyWaits };

/** A command's route. `read` makes the command from a valid body, or refuses a malformed id. */
type CommandRoute<Body> = {
  readonly url: string;
  readonly command: ClientCommand["type"];
  readonly summary: string;
  readonly tag: string;
  readonly body: object;
  readonly bodyOptional?: boolean;
  readonly status: 200 | 201;
  readonly answer: object;
  read(body: Body, id: string): ClientCommand | Rejection;
};

export const dryRunQuery = {
  type: "object",
  properties: {
    dryRun: {
      type: "string",
      enum: ["true", "false"],
      description: "true: answer, but append nothing and keep no key.",
    },
  },
  additionalProperties: false,
} as const;

export const keyHeader = {
  type: "object",
  required: ["idempotency-key"],
  properties: {
    // Without its format: the hook that reads the header has already looked for card numbers.
    "idempotency-key": {
      type: "string",
      pattern: idempotencyKeyField.pattern,
      description: idempotencyKeyField.description,
    },
  },
} as const;

/** Reads the key of every POST, and marks every answer to a dry run, before the body is read. */
export function serveCommandHeaders(app: FastifyInstance): void {
  app.decorateRequest("idempotencyKey", "");
  app.addHook<Pick<CommandRequest, "Querystring">>("onRequest", (request, reply, done) => {
    if (request.query.dryRun === "true") reply.header("ledger-dry-run", "true");
    request.idempotencyKey = idempotencyKey(request);
    done();
  });
}

type CommandRequest = { Params: { id?: string }; Querystring: { dryRun?: string } };

export function serveCommand<Body>(app: FastifyInstance, ports: CommandPorts, route: CommandRoute<Body>): void {
  const { writer, waits } = ports;
  const schema = {
    summary: route.summary,
    tags: [route.tag],
    headers: keyHeader,
    querystring: dryRunQuery,
    body: route.body,
    // Only opening an account names no object.
    response: commandAnswers(route.status, route.answer, {
      absent: route.command !== "OpenAccount",
    }),
  };
  const config = {
    roles: roles.filter((role) => maySend(role, route.command)),
    bodyOptional: route.bodyOptional === true,
  };
  app.post<CommandRequest>(route.url, { schema, config }, (request, reply) => {
    const dryRun = request.query.dryRun === "true";
    // The body has been checked against the route's schema, so it has this type.
    const command = route.read(request.body as Body, request.params.id ?? "");
    if ("code" in command) throw rejectionProblem(command);
    const submission = { caller: callerOf(request), key: request.idempotencyKey, command };
    const answer = dryRun ? writer.dryRun(submission) : waits(submission, () => writer.submit(submission));
    answerWhenKnown(reply, answer, (known) => sendAnswer(reply, known, dryRun));
  });
}

function sendAnswer(reply: FastifyReply, answer: Answer, dryRun: boolean): void {
  if (answer.kind === "refused") throw rejectionProblem(answer.rejection);
  const { event, replayed } = answer;
  const rendered = renderAnswer(event);
  if (rendered.problem && "code" in event.fact) reply.server.refused(event.fact.code);
  sendRecorded(reply, rendered, replayed, dryRun ? null : event);
}

/** Like returning the promise from the handler, but without the three promises that Fastify would add. */
function answerWhenKnown<T>(reply: FastifyReply, answer: Promise<T>, send: (known: T) => void): void {
  const fail = (error: unknown) => void reply.send(error);
  answer.then((known) => {
    try {
      send(known);
    } catch (error) {
      fail(error);
    }
  }, fail);
}

/** Sends a recorded answer. `position` is null for a dry run. */
export function sendRecorded(
  reply: FastifyReply,
  { status, body, problem }: RenderedAnswer,
  replayed: boolean,
  position: Position | null,
): FastifyReply {
  if (position) reply.header("ledger-position", formatPosition(position));
  if (replayed) reply.header("idempotency-replayed", "true");
  reply.code(status).header("content-type", problem ? problemContentType : "application/json; charset=utf-8");
  // A string is sent in one write with its headers. A buffer keeps Fastify from adding a charset to problem+json.
  return reply.send(problem ? Buffer.from(body) : body);
}

/** Runs a command under its key; a concurrent second one under the same key waits for a bounded time. */
type KeyWaits = <T>(under: Pick<Submission, "caller" | "key">, run: () => Promise<T>) => Promise<T>;

/**
 * Bounds how long a second request under a key waits for the first one's answer: a client that repeats itself should be
 * told so. The first request is not bounded, since its answer must say what happened.
 */
export function keyWaits(waitMs = 10_000): KeyWaits {
  // By key, then by caller: a combined string would have to be built and hashed for each request.
  const underWay = new Map<string, readonly Caller[]>();

  function end(key: string, caller: Caller): void {
    const others = underWay.get(key)?.filter((other) => other !== caller) ?? [];
    if (others.length === 0) underWay.delete(key);
    else underWay.set(key, others);
  }

  return ({ caller, key }, run) => {
    const callers = underWay.get(key) ?? nobody;
    if (callers.some(({ tenant, sub }) => tenant === caller.tenant && sub === caller.sub))
      return bounded(run(), waitMs);
    const answer = run();
    underWay.set(key, [...callers, caller]);
    const ended = () => end(key, caller);
    answer.then(ended, ended);
    return answer;
  };
}

const nobody: readonly Caller[] = [];

async function bounded<T>(answer: Promise<T>, waitMs: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(inProgress()), waitMs);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function inProgress(): Problem {
  return new Problem(
    "idempotency_key_in_progress",
    "The first request under this Idempotency-Key has no answer yet; repeat it later.",
    { headers: { "retry-after": "1" } },
  );
}
