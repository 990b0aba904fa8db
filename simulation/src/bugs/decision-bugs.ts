import type { WriterSeams } from "command-service";
import { type AccountState, accountOf, type Command, type Decision, type LedgerState, type Payment } from "ledger-core";
import type { PlantedBug } from "./planted-bug.ts";

type Decide = WriterSeams["decide"];

/** Bugs in decisions: a command that the real decider refuses is decided again on a falsified state. */
export const decisionBugs: readonly PlantedBug[] = [
  lenient("refund-off-by-one", "one minor unit more than was captured can be refunded", ["refund_exceeds_captured"], {
    payment: (payment) => ({ ...payment, captured: payment.captured + 1n }),
  }),
  lenient("capture-off-by-one", "one minor unit more than is held can be captured", ["capture_exceeds_authorized"], {
    payment: (payment) => ({ ...payment, held: payment.held + 1n }),
  }),
  lenient("funds-ignore-holds", "what is held counts as available", ["insufficient_funds"], {
    account: (account) => withFloor(account, -account.balances.held),
  }),
  lenient("floor-off-by-one", "an account may fall one minor unit below its floor", ["insufficient_funds"], {
    account: (account) => withFloor(account, -1n),
  }),
  lenient("frozen-account-pays", "freezing an account stops nothing", ["account_frozen"], {
    account: (account) => ({ ...stateOf(account), status: account.status === "frozen" ? "open" : account.status }),
  }),
  lenient("closed-account-moves", "a closed account takes and gives", ["account_not_open"], {
    account: (account) => ({ ...stateOf(account), status: "open" }),
  }),
  lenient(
    "ceiling-per-leg",
    "a transfer's legs are each held against the ceiling, not their sum",
    ["limit_per_transaction"],
    {
      only: (command) => command.type === "PostTransfer" && command.legs.length > 1,
      account: (account) => ({ ...stateOf(account), limits: { ...account.limits, perTransaction: null } }),
    },
  ),
  lenient(
    "expired-authorization-captured",
    "an authorization is good until its release is written",
    ["payment_expired"],
    {
      only: (command) => command.type === "CapturePayment",
      payment: (payment) => ({ ...payment, expiresAt: null }),
    },
  ),
  lenient("currency-ignored", "an amount counts in whatever currency the account has", ["currency_mismatch"], {
    rewrite: (command, state) =>
      command.type === "TopUpAccount"
        ? { ...command, currency: state.account(command.account)?.currency ?? command.currency }
        : command,
  }),
  {
    name: "stale-limits",
    what: "limits are checked against the balance before the last movement",
    plant: () => {
      const before = new Map<string, AccountState>();
      const current = new Map<string, AccountState>();
      return decided((decide) => (state, command, context) => {
        const note = (id: AccountState["id"]) => {
          const account = state.account(id);
          const known = current.get(id);
          if (account && known && known.balances.posted !== account.balances.posted) before.set(id, known);
          if (account) current.set(id, account);
          return account;
        };
        const decision = decide({ ...viewOf(state), account: note }, command, context);
        if (decision.kind === "accepted" || decision.rejection.code !== "insufficient_funds") return decision;
        const stale = (account: AccountState): AccountState =>
          withFloor(account, account.balances.posted - (before.get(account.id) ?? account).balances.posted);
        return decide(patched(state, { account: stale }), command, context);
      });
    },
  },
  {
    name: "another-tenants-account",
    what: "nobody checks whose account it is",
    plant: () =>
      decided((decide) => (state, command, context) => {
        const decision = decide(state, command, context);
        const account = "account" in command ? state.account(command.account) : undefined;
        if (decision.kind === "accepted" || !account) return decision;
        return decide(state, command, { ...context, caller: { ...context.caller, tenant: account.tenant } });
      }),
  },
  {
    name: "key-stored-before-append",
    what: "a key counts as used when its command was decided, whether or not it was appended",
    plant: () => {
      const used = new WeakSet<Command>();
      return decided((decide) => (state, command, context) => {
        if (!used.has(command)) {
          used.add(command);
          return decide(state, command, context);
        }
        return { kind: "refused", rejection: { code: "idempotency_key_reused", detail: "The key was used before." } };
      });
    },
  },
];

type Looking = {
  readonly account?: (account: AccountState) => AccountState;
  readonly payment?: (payment: Payment) => Payment;
  readonly only?: (command: Command) => boolean;
  readonly rewrite?: (command: Command, state: LedgerState) => Command;
};

function lenient(name: string, what: string, codes: readonly string[], looking: Looking): PlantedBug {
  const { only = () => true, rewrite = (command: Command) => command } = looking;
  return {
    name,
    what,
    plant: () =>
      decided((decide) => (state, command, context): Decision => {
        const decision = decide(state, command, context);
        if (decision.kind === "accepted" || !codes.includes(decision.rejection.code) || !only(command)) return decision;
        return decide(patched(state, looking), rewrite(command, state), context);
      }),
  };
}

function decided(change: (decide: Decide) => Decide) {
  return { seams: (seams: WriterSeams): WriterSeams => ({ ...seams, decide: change(seams.decide) }) };
}

function viewOf(state: LedgerState): LedgerState {
  return {
    account: (id) => state.account(id),
    payment: (id) => state.payment(id),
    clearing: (tenant, rail, currency) => state.clearing(tenant, rail, currency),
  };
}

function patched(state: LedgerState, { account, payment }: Looking): LedgerState {
  return {
    ...viewOf(state),
    account: (id) => {
      const found = state.account(id);
      return found && account ? account(found) : found;
    },
    payment: (id) => {
      const found = state.payment(id);
      return found && payment ? payment(found) : found;
    },
  };
}

/** Copies an account to plain fields; the state's own reads its fields from its page, and a spread would lose them. */
function stateOf(account: AccountState): AccountState {
  const { day, spent } = account;
  return { ...accountOf(account), day, spent };
}

function withFloor(account: AccountState, by: bigint): AccountState {
  const { limits } = account;
  return { ...stateOf(account), limits: { ...limits, floor: limits.floor === null ? null : limits.floor + by } };
}
