import type { FastifyInstance, FastifyReply } from "fastify";
import { type ClientCommand, formatPosition, maySend, type Position, type Rejection, roles } from "ledger-core";
import {
  callerOf,
  commandAnswers,
  idempotencyKey,
  idempotencyKeyField,
  problemContentType,
  rejectionProblem,
} from "ledger-core/http";
import type { Answer, Writer } from "../writer-port.ts";
import { type RenderedAnswer, renderAnswer } from "./answers.ts";
import type { KeyWaits } from "./key-waits.ts";

declare module "fastify" {
  interface FastifyRequest {
    idempotencyKey: string;
  }
}

/** What the routes of commands work with. */
export type CommandPorts = { readonly writer: Writer; readonly waits: KeyWaits };

/**
 * One command's route. `read` makes the command of a body that fits the schema, or refuses an id that no object has.
 */
export type CommandRoute<Body> = {
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
    // Without its format: the hook that read the header has looked for card numbers already.
    "idempotency-key": {
      type: "string",
      pattern: idempotencyKeyField.pattern,
      description: idempotencyKeyField.description,
    },
  },
} as const;

/** What all commands share before their body is read: every POST needs a key, and every answer to a dry run says so. */
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
    // Opening an account is the one command that names no object; some paths have a parameter that may be too long.
    response: commandAnswers(route.status, route.answer, {
      absent: route.command !== "OpenAccount",
      parameter: route.url.includes("/:"),
    }),
  };
  const config = {
    roles: roles.filter((role) => maySend(role, route.command)),
    bodyOptional: route.bodyOptional === true,
  };
  app.post<CommandRequest>(route.url, { schema, config }, (request, reply) => {
    const dryRun = request.query.dryRun === "true";
    // The route's schema has been checked by now: this is where a body gets its type.
    const command = route.read(request.body as Body, request.params.id ?? "");
    if ("code" in command) throw rejectionProblem(command);
    const submission = { caller: callerOf(request), key: request.idempotencyKey, command };
    const answer = dryRun ? writer.dryRun(submission) : waits(submission, () => writer.submit(submission));
    answerWhenKnown(reply, answer, (known) => sendAnswer(reply, known, dryRun));
  });
}

function sendAnswer(reply: FastifyReply, answer: Answer, dryRun: boolean): void {
  if (answer.kind === "refused") throw rejectionProblem(answer.rejection);
  sendRecorded(reply, renderAnswer(answer.event), answer.replayed, dryRun ? null : answer.event);
}

/** Same as returning the promise from the handler, but without the three promises that Fastify would add. */
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

/** Sends what the log holds an answer of. `position` is null for a dry run. */
export function sendRecorded(
  reply: FastifyReply,
  { status, body, problem }: RenderedAnswer,
  replayed: boolean,
  position: Position | null,
): FastifyReply {
  if (position) reply.header("ledger-position", formatPosition(position));
  if (replayed) reply.header("idempotency-replayed", "true");
  reply.code(status).header("content-type", problem ? problemContentType : "application/json; charset=utf-8");
  // A text leaves in one write with its headers; bytes keep Fastify from adding a charset, which problem+json has none
  // of.
  return reply.send(problem ? Buffer.from(body) : body);
}
