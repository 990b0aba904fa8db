import { type Answer, registerCommands, type Writer } from "command-service";
import type { FastifyInstance } from "fastify";
import { type Caller, type ClientCommand, formatInstant, isLedgerError, LedgerError, type Micros } from "ledger-core";
import { createEdge } from "ledger-core/http";
import { createLogger } from "ledger-core/process";
import type { Auditor } from "../auditor/auditor.ts";
import { scopeOf, textOf } from "../auditor/requests.ts";
import { mustHold } from "../auditor/violation.ts";
import type { Faults } from "../faults.ts";
import type { Plant } from "../plant.ts";
import type { Random } from "../random.ts";
import type { Scheduler } from "../scheduler.ts";
import type { WriterProcess } from "../write-side/writer-process.ts";
import { wish } from "./commands.ts";
import type { CommandDelivery } from "./delivery.ts";
import { commandIntent } from "./intents.ts";

type HttpClientsOptions = {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly auditor: Auditor;
  readonly delivery: CommandDelivery;
  readonly processes: readonly WriterProcess[];
  readonly plant: Plant;
  readonly note: (who: string, what: string) => void;
  readonly onViolation: (violation: unknown) => void;
};

type Sent = { readonly url: string; readonly body: Readonly<Record<string, unknown>> };
type Reply = { readonly status: number; readonly text: string; readonly code: unknown };

const CHECK = "19 refused as declared";
const logger = createLogger({ level: "silent", name: "simulation" });
const badKeys = ["", " k", "k ", "k\u00e9", "k".repeat(256), "k\u007f"];

/**
 * Clients that call the command-service's own edge and routes over HTTP, and repeat keys with the same and with other
 * bodies.
 */
export class HttpClients {
  readonly #options: HttpClientsOptions;
  #edge: Promise<FastifyInstance> | undefined;
  #names = 0;

  constructor(options: HttpClientsOptions) {
    this.#options = options;
  }

  start(): void {
    const { scheduler, random } = this.#options;
    scheduler.after(random.between(20_000, 60_000), null, () => this.#loop());
  }

  async close(): Promise<void> {
    await (await this.#edge)?.close();
  }

  #loop(): void {
    const { scheduler, random, faults, auditor, onViolation } = this.#options;
    if (faults.healed) return;
    if (faults.strikes("hostile_http", 0.5) && auditor.books.accounts.size >= 8) {
      const what = random.chance(0.8) ? this.#insist() : this.#misspeak();
      what.catch((error: unknown) => {
        if (!isLedgerError(error)) onViolation(error);
      });
    }
    scheduler.after(random.between(5_000, 100_000), null, () => this.#loop());
  }

  /**
   * Sends a command, repeats it, and sends another under its key: expects the same answer, byte for byte, and then a
   * refusal that says why.
   */
  async #insist(): Promise<void> {
    const { auditor } = this.#options;
    const wished = this.#wish();
    if (!wished) return;
    const { caller, sent } = wished;
    const key = `h${++this.#names}`;
    const first = await this.#post(caller, key, sent);
    const again = await this.#post(caller, key, sent);
    const kept = auditor.keys.get(scopeOf(caller, key))?.event !== undefined;
    // A time that the clock puts out of range is refused and not recorded, and the clock advances between the two.
    const outOfRange = first.code === "invalid_request";
    const answered = first.status !== 503 && again.status !== 503 && kept && !outOfRange;
    const same = !answered || first.status === again.status;
    mustHold(same, "2 one answer", () => `${key} is answered with ${first.text}, then with ${again.text}`);
    const other = await this.#post(caller, key, { ...sent, body: changed(sent.body) });
    if (!kept || other.status === 503 || textOf(sent.body) === textOf(changed(sent.body))) return;
    const refused = other.status === 422 && other.code === "idempotency_key_reused";
    mustHold(refused, CHECK, () => `another body under ${key} is answered with ${other.status} ${other.text}`);
  }

  /** An invalid key, and a body with an unknown field. */
  async #misspeak(): Promise<void> {
    const { random } = this.#options;
    const wished = this.#wish();
    if (!wished) return;
    const { caller, sent } = wished;
    const badKey = await this.#post(caller, random.pick(badKeys), sent);
    mustHold([400, 403].includes(badKey.status), CHECK, () => `a bad key is answered with ${badKey.status}`);
    const odd = await this.#post(caller, `h${++this.#names}`, { ...sent, body: { ...sent.body, holder: "me" } });
    mustHold(
      [422, 403].includes(odd.status),
      CHECK,
      () => `an unknown field is answered with ${odd.status} ${odd.text}`,
    );
  }

  async #post(caller: Caller, key: string, sent: Sent): Promise<Reply> {
    const { scheduler, note } = this.#options;
    this.#edge ??= openEdge(this.#options);
    const reply = await scheduler.settled(request(this.#edge, caller, key, sent));
    const { url } = sent;
    note("http", `${url} under ${key.slice(0, 20)}: ${reply.status} ${reply.code ?? ""}`);
    const declared = reply.status < 500 || (reply.status === 503 && reply.code !== undefined);
    mustHold(declared, "19 declared failures", () => `${url} is answered with ${reply.status} ${reply.text}`);
    return reply;
  }

  /** A command that some caller may wish to send now, as a request; undefined for one without a route. */
  #wish(): { readonly caller: Caller; readonly sent: Sent } | undefined {
    const { scheduler, random, auditor } = this.#options;
    const now: Micros = Math.max(scheduler.now(), auditor.events.at(-1)?.at ?? 0);
    const { caller, command } = wish(random, auditor.books, now);
    const sent = requestOf(command);
    return sent && { caller, sent };
  }
}

/** The writer that the routes call: each command goes the way of clients' commands, and the world goes on meanwhile. */
async function submit(
  options: HttpClientsOptions,
  { caller, key, command }: Parameters<Writer["submit"]>[0],
): Promise<Answer> {
  const { scheduler, random, auditor, delivery, processes } = options;
  const serving = processes.filter(({ writer }) => writer);
  const process = serving.length > 0 ? random.pick(serving) : undefined;
  const goOn = scheduler.pauseWork();
  try {
    return await new Promise<Answer>((resolve, reject) =>
      delivery.deliver(commandIntent(auditor, caller, command, key), process, (settled) => {
        if (settled.kind === "answered" && settled.answer) resolve(settled.answer);
        else if (settled.kind === "failed") reject(settled.error);
      }),
    );
  } finally {
    goOn();
  }
}

async function request(edge: Promise<FastifyInstance>, caller: Caller, key: string, sent: Sent): Promise<Reply> {
  const { url, body } = sent;
  const app = await edge;
  const authorization = `Bearer ${Buffer.from(JSON.stringify(caller)).toString("base64url")}`;
  const headers = { authorization, "idempotency-key": key, "content-type": "application/json" };
  const response = await app.inject({ method: "POST", url, headers, body: JSON.stringify(body) });
  const { statusCode: status, body: text } = response;
  const code = status >= 400 ? response.json<Readonly<Record<string, unknown>>>().code : undefined;
  return { status, text, code };
}

async function openEdge(options: HttpClientsOptions): Promise<FastifyInstance> {
  const { plant } = options;
  const app = await createEdge({
    logger,
    authenticate: async (token) => JSON.parse(Buffer.from(token, "base64url").toString("utf8")),
  });
  const absent = () => Promise.reject(new LedgerError("not_ready", "not simulated", { retryable: true }));
  const rest = { submitBulk: absent, dryRun: absent, dryRunBulk: absent, stop: async () => {} };
  const submitHere: Writer["submit"] = (submission) => submit(options, submission);
  const writer: Writer = {
    ...{ submit: submitHere, ...rest, readiness: () => ({ ready: true, detail: "" }) },
    load: () => ({ queued: 0, queuedBytes: 0, epoch: 0 }),
  };
  registerCommands(app, { writer: plant.commands(writer) });
  await app.ready();
  return app;
}

/** A command as a request; undefined for those that these clients do not send. */
function requestOf(command: ClientCommand): Sent | undefined {
  switch (command.type) {
    case "MakePayment": {
      const { payer, payee, amount, currency, capture, expiresAt } = command;
      const until = expiresAt === null ? {} : { expiresAt: formatInstant(expiresAt) };
      return { url: "/v1/payments", body: { payer, payee, amount: `${amount}`, currency, capture, ...until } };
    }
    case "TopUpAccount":
    case "PayOut": {
      const { type, account, amount, currency, rail } = command;
      const url = type === "PayOut" ? "/v1/payouts" : "/v1/top-ups";
      return { url, body: { account, amount: `${amount}`, currency, rail } };
    }
    case "CapturePayment": {
      const amount = command.amount === null ? {} : { amount: `${command.amount}` };
      return { url: `/v1/payments/${command.payment}/capture`, body: { ...amount, final: command.final } };
    }
    case "RefundPayment": {
      const amount = command.amount === null ? {} : { amount: `${command.amount}` };
      return { url: `/v1/payments/${command.payment}/refunds`, body: amount };
    }
    case "PostTransfer": {
      const legs = command.legs.map(({ from, to, amount }) => ({ from, to, amount: `${amount}` }));
      return { url: "/v1/transfers", body: { legs, currency: command.currency } };
    }
    default:
      return undefined;
  }
}

/** A different but equally valid request. */
function changed(body: Sent["body"]): Sent["body"] {
  if ("amount" in body) return { ...body, amount: body.amount === "7" ? "8" : "7" };
  return "legs" in body ? { ...body, reference: "another" } : { ...body, amount: "7" };
}
