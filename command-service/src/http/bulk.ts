import type { FastifyInstance, FastifyReply } from "fastify";
import { maySend, oldPrint, type Role, roles } from "ledger-core";
import { BULK_BODY_BYTES_MAX, callerOf, validatorCompiler } from "ledger-core/http";
import { Problem, rejectionProblem } from "ledger-core/http/problems";
import { commandAnswers, paymentSchema, problemSchema } from "ledger-core/http/schemas";
import { bulkPrint, fingerprint, printOf } from "../fingerprint.ts";
import type { BulkAnswer } from "../writer-port.ts";
import { renderBulk } from "./answers.ts";
import { admit, ITEMS_MAX, type ItemCommands, itemCommands, type ReadItem, readItem } from "./bulk-items.ts";
import { isPlainBulk, type PlainBulk, readPlainBulk } from "./fast/bulk-plain.ts";
import { type CommandPorts, dryRunQuery, keyHeader, sendRecorded } from "./route.ts";

type BulkRequest = PlainBulk | { readonly mode: "each" | "atomic"; readonly items: readonly unknown[] };

const items = { type: "array", minItems: 1, maxItems: ITEMS_MAX } as const;

/** The envelope only: each item is checked by itself, since its faults are its own answer. */
const envelope = {
  type: "object",
  required: ["mode", "items"],
  properties: {
    mode: {
      type: "string",
      enum: ["each", "atomic"],
      description: "each: every item by itself. atomic: all of them or none.",
    },
    items,
  },
  additionalProperties: false,
} as const;

/** The schema for the reference: the envelope and its items. */
function bulkRequest(commands: ItemCommands): object {
  const oneOf = Object.values(commands).map(({ schema }) => schema);
  return { ...envelope, properties: { ...envelope.properties, items: { ...items, items: { oneOf } } } };
}

const bulkAnswer = {
  type: "object",
  description: "One result an item, in order",
  required: ["results"],
  properties: {
    results: {
      type: "array",
      items: {
        type: "object",
        required: ["status"],
        properties: {
          status: { type: "integer", description: "What the item would have answered by itself." },
          id: paymentSchema.properties.id,
          position: { type: "string", example: "0:1234" },
          problem: problemSchema,
        },
        additionalProperties: false,
      },
    },
  },
  additionalProperties: false,
} as const;

type BulkOptions = {
  readonly rails: readonly string[];
  readonly sliceFaults: number;
};

/** POST /v1/bulk: thousands of commands in one request, each by itself or all or none. */
export function serveBulk(app: FastifyInstance, { writer, waits }: CommandPorts, options: BulkOptions): void {
  const { rails, sliceFaults } = options;
  const commands = itemCommands(rails);
  const schema = {
    summary: "Send many commands at once",
    tags: ["Bulk"],
    headers: keyHeader,
    querystring: dryRunQuery,
    body: bulkRequest(commands),
    response: commandAnswers(200, bulkAnswer),
  };
  const senders = roles.filter((role) => Object.values(commands).some(({ command }) => maySend(role, command)));
  const config = { roles: senders, readBody: readPlainBulk };
  app.post<{ Body: BulkRequest; Querystring: { dryRun?: string } }>(
    "/v1/bulk",
    { schema, config, bodyLimit: BULK_BODY_BYTES_MAX, validatorCompiler: compileEnvelope },
    async (request, reply) => {
      const dryRun = request.query.dryRun === "true";
      const caller = callerOf(request);
      const { mode } = request.body;
      const items = await readInSlices(commands, request.body, caller.role, sliceFaults);
      const print = bulkPrint(mode, items);
      const oldPrint = () => oldBulkPrint(commands, request.body);
      const bulk = { caller, key: request.idempotencyKey, mode, items, print, oldPrint };
      const answer = dryRun ? writer.dryRunBulk(bulk) : waits(bulk, () => writer.submitBulk(bulk));
      return sendBulk(reply, await answer, dryRun);
    },
  );
}

/** Reads the items, yielding to other requests after `sliceFaults` faults: a fault costs far more than a valid item. */
async function readInSlices(commands: ItemCommands, body: BulkRequest, role: Role, sliceFaults: number) {
  const items: ReadItem[] = [];
  let faults = 0;
  for (const item of itemsIn(commands, body, role)) {
    items.push(item);
    if (item.kind === "command") continue;
    const { errors, more = 0 } = item.fault;
    faults += 1 + errors.length + more;
    if (faults < sliceFaults) continue;
    faults = 0;
    await new Promise(setImmediate);
  }
  return items;
}

function* itemsIn(commands: ItemCommands, body: BulkRequest, role: Role): Generator<ReadItem> {
  if (!isPlainBulk(body)) for (const item of body.items) yield readItem(commands, item, role);
  else
    for (const item of body.items)
      yield item.kind === "json" ? readItem(commands, item.value, role) : admit(item, role);
}

/** The print of a bulk in old events, before prints were cryptographic: a faulty item was known by its JSON. */
function oldBulkPrint(commands: ItemCommands, body: BulkRequest): string {
  const raw = isPlainBulk(body) ? body.items.map((item) => (item.kind === "json" ? item.value : item)) : body.items;
  const printed = [...itemsIn(commands, body, "operator")].map((item, index) => {
    if (item.kind === "fault") return { print: printOf([raw[index]], oldPrint) };
    return { key: item.key, print: fingerprint(item.command, oldPrint) };
  });
  return bulkPrint(body.mode, printed, oldPrint);
}

const compileEnvelope: typeof validatorCompiler = (part) =>
  validatorCompiler(part.httpPart === "body" ? { ...part, schema: envelope } : part);

function sendBulk(reply: FastifyReply, answer: BulkAnswer, dryRun: boolean): FastifyReply {
  if (answer.kind === "refused") throw rejectionProblem(answer.rejection);
  if (answer.kind === "forbidden")
    throw new Problem("forbidden", "The answer to this bulk is stored, and your role may not send each of its items.");
  const tried = dryRun && !answer.replayed;
  return sendRecorded(
    reply,
    renderBulk(answer, tried, reply.server.refused),
    answer.replayed,
    dryRun ? null : answer.position,
  );
}
