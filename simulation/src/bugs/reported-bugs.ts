import { DecisionState, type WriterSeams } from "command-service";
import {
  type AccountId,
  type AccountState,
  type Amount,
  accountOf,
  isLedgerError,
  type LedgerState,
  type MakePayment,
  type Micros,
  makeId,
  type Payment,
  type PaymentId,
  type ProjectionTarget,
} from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { signedCursors } from "query-service";
import type { GatewayReply } from "../plant.ts";
import type { PlantedBug } from "./planted-bug.ts";

/** Bugs that users of other ledgers reported, each as this ledger could have had it. */
export const reportedBugs: readonly PlantedBug[] = [
  {
    name: "sixth-hold-accepted",
    what: "holds of one moment do not see each other: a sixth of 1,000 is accepted on 5,000",
    plant: () => {
      const holds = new Map<AccountId, { readonly at: Micros; readonly held: Amount }>();
      return deciding((decide) => (state, command, context) => {
        const decision = decide(state, command, context);
        const account = command.type === "MakePayment" ? state.account(command.payer) : undefined;
        if (!account) return decision;
        const known = holds.get(account.id);
        const first = known?.at === context.now ? known : { at: context.now, held: account.balances.held };
        holds.set(account.id, first);
        if (decision.kind === "accepted" || decision.rejection.code !== "insufficient_funds") return decision;
        return decide(withHeld(state, account, first.held), command, context);
      });
    },
  },
  {
    name: "rejected-hold-captured",
    what: "an authorization that was declined can be captured by its id",
    plant: () => {
      const declined = new Map<PaymentId, MakePayment>();
      return deciding((decide) => (state, command, context) => {
        const decision = decide(state, command, context);
        if (decision.kind === "accepted") return decision;
        const absent = decision.rejection.code === "payment_not_found";
        if (command.type === "MakePayment") declined.set(makeId("pay", context.mint(0)), command);
        const wanted = command.type === "CapturePayment" ? declined.get(command.payment) : undefined;
        if (!wanted || !absent || command.type !== "CapturePayment") return decision;
        const payment = authorized(command.payment, context.caller.tenant, wanted, context.now);
        return decide({ ...viewOf(state), payment: () => payment }, command, context);
      });
    },
  },
  {
    name: "answered-command-lost-at-restart",
    what: "the log answers before its disk has the events, and starts again without the last",
    plant: () => ({ syncsBeforeAnswering: false }),
  },
  {
    name: "absence-cached",
    what: "a gateway keeps a 404 and answers with it after the 201",
    plant: () => {
      const absent = new Map<string, GatewayReply>();
      return {
        reply: (url, reply) => {
          if (reply.status === 404) absent.set(url, reply);
          return absent.get(url) ?? reply;
        },
      };
    },
  },
  {
    name: "balance-refilled-from-stale-data",
    what: "an account that was evicted from the cache comes back as it was when it was first loaded",
    plant: () => ({ seams: (seams) => ({ ...seams, openState: (options) => new RefillsStale(options) }) }),
  },
  {
    name: "broker-node-loses-records",
    what: "a broker's node dies with records that no other node has: later records are delivered, they are not",
    plant: () => ({ feed: losingRecords }),
  },
  {
    name: "messages-lost-under-contention",
    what: "a consumer that meets a rival moves the checkpoint past events that neither has applied",
    plant: () => ({ target: (target) => losingRaces(target) }),
  },
  {
    name: "unsupported-filter-answered-empty",
    what: "a query with an unknown filter is answered with an empty list",
    plant: () => ({
      reply: (_url, reply) =>
        reply.status === 400 ? { ...reply, status: 200, body: { data: [], nextCursor: null } } : reply,
    }),
  },
  {
    name: "cursor-forgets-its-filters",
    what: "a cursor is accepted for the same list with other filters",
    plant: () => ({
      queries: (deps) => {
        const cursors = signedCursors(deps.cursorKey);
        return {
          ...deps,
          cursors: {
            seal: (scope, lastKey) => cursors.seal({ ...scope, filters: {} }, lastKey),
            open: (scope, cursor) => cursors.open({ ...scope, filters: {} }, cursor),
          },
        };
      },
    }),
  },
  {
    name: "idempotency-error-answered-as-500",
    what: "a key reused with another body is an untranslated constraint error of the store",
    plant: () => ({
      commands: (writer) => ({
        ...writer,
        async submit(submission) {
          const answer = await writer.submit(submission);
          if (answer.kind !== "refused" || answer.rejection.code !== "idempotency_key_reused") return answer;
          throw new Error("UNIQUE constraint failed: keys.key");
        },
      }),
    }),
  },
];

type Decide = WriterSeams["decide"];

function deciding(change: (decide: Decide) => Decide) {
  return { seams: (seams: WriterSeams): WriterSeams => ({ ...seams, decide: change(seams.decide) }) };
}

function viewOf(state: LedgerState): LedgerState {
  return {
    account: (id) => state.account(id),
    payment: (id) => state.payment(id),
    clearing: (tenant, rail, currency) => state.clearing(tenant, rail, currency),
  };
}

function withHeld(state: LedgerState, account: AccountState, held: Amount): LedgerState {
  const { id, balances, day, spent } = account;
  const patched = { ...accountOf(account), balances: { ...balances, held }, day, spent };
  return { ...viewOf(state), account: (other) => (other === id ? patched : state.account(other)) };
}

function authorized(id: PaymentId, tenant: string, wanted: MakePayment, now: Micros): Payment {
  const { payer, payee, amount, currency, reference, metadata, expiresAt } = wanted;
  const sums = { captured: 0n, refunded: 0n, held: amount, fee: 0n };
  const rest = { reference, metadata, createdAt: now, expiresAt, spentOn: null, status: "authorized" } as const;
  return { id, tenant, payer, payee, payeeType: "merchant", amount, currency, capture: "manual", ...sums, ...rest };
}

/** Caches the accounts that were read last. */
const CACHED = 3;

class RefillsStale extends DecisionState {
  private readonly came = new Map<AccountId, AccountState>();
  private recent: AccountId[] = [];

  override account(id: AccountId): AccountState | undefined {
    const account = super.account(id);
    if (!account || this.recent.includes(id)) return account;
    this.recent = [id, ...this.recent.slice(0, CACHED - 1)];
    const { balances, day, spent } = account;
    const stale = this.came.get(id);
    this.came.set(id, { ...accountOf(account), balances, day, spent });
    return stale ?? account;
  }

  /** Leaves every charge to `account`. */
  override applyCharge(): boolean {
    return false;
  }
}

/** Every connection but the first loses its first delivery. */
function losingRecords(log: EventLog): EventLog {
  let connections = 0;
  return {
    ...log,
    async *subscribe(shard, from, signal) {
      let lost = connections++ > 0 ? 1 : 0;
      for await (const delivery of log.subscribe(shard, from, signal)) {
        if (delivery.kind === "events" && lost-- > 0) continue;
        yield delivery;
      }
    },
  };
}

function losingRaces<Change>(target: ProjectionTarget<Change>): ProjectionTarget<Change> {
  return {
    checkpoint: (shard) => target.checkpoint(shard),
    async apply(shard, after, upTo, changes) {
      try {
        await target.apply(shard, after, upTo, changes);
      } catch (error) {
        if (!isLedgerError(error, "revision_gap")) throw error;
        const reached = await target.checkpoint(shard);
        if (reached < upTo) await target.apply(shard, reached, upTo, []);
      }
    },
  };
}
