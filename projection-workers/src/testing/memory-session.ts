import {
  type Account,
  type AccountId,
  type Entry,
  LedgerError,
  NO_REVISION,
  type Position,
  type ProjectionTarget,
  type Revision,
  SESSION_ACCOUNTS_MAX,
  SESSION_MOVEMENTS_MAX,
  type SessionChange,
  type SessionView,
  type Shard,
  unreachable,
} from "ledger-core";

/** A session view in memory: the plainest implementation of the sessions' changes. */
export function memorySession(): { readonly view: SessionView; readonly target: ProjectionTarget<SessionChange> } {
  const checkpoints = new Map<Shard, Revision>();
  let accounts: ReadonlyMap<AccountId, Account> = new Map();
  let movements: readonly Entry[] = [];
  const positions = (): Position[] => [...checkpoints].map(([shard, revision]) => ({ shard, revision }));
  return {
    target: {
      checkpoint: async (shard) => checkpoints.get(shard) ?? NO_REVISION,
      async apply(shard, after, upTo, changes) {
        if ((checkpoints.get(shard) ?? NO_REVISION) !== after) throw new LedgerError("revision_gap", `not at ${after}`);
        const next = changes.reduce(change, { accounts, movements });
        ({ accounts, movements } = next);
        checkpoints.set(shard, upTo);
      },
    },
    view: {
      async read(tenant, owner) {
        const own = [...accounts.values()].filter((one) => one.tenant === tenant && one.owner === owner);
        const entries = movements.filter(({ account }) => own.some(({ id }) => id === account)).toReversed();
        const latest = ({ id }: Account) => `${entries.find(({ account }) => account === id)?.id ?? ""}${id}`;
        const sorted = own.toSorted((a, b) => (latest(a) < latest(b) ? 1 : -1));
        return {
          accounts: sorted.slice(0, SESSION_ACCOUNTS_MAX),
          moreAccounts: sorted.length > SESSION_ACCOUNTS_MAX,
          movements: entries.slice(0, SESSION_MOVEMENTS_MAX),
          positions: positions(),
        };
      },
      positions: async () => positions(),
      close: async () => {},
    },
  };
}

type Contents = { readonly accounts: ReadonlyMap<AccountId, Account>; readonly movements: readonly Entry[] };

function change({ accounts, movements }: Contents, one: SessionChange): Contents {
  const changed = (id: AccountId, fields: (account: Account) => Partial<Account>) => {
    const account = accounts.get(id);
    if (!account) throw new LedgerError("poison_event", `account ${id} was never opened`);
    return { accounts: new Map([...accounts, [id, { ...account, ...fields(account) }]]), movements };
  };
  switch (one.kind) {
    case "account":
      return { accounts: new Map([...accounts, [one.account.id, one.account]]), movements };
    case "status":
      return changed(one.account, () => ({ status: one.status }));
    case "held":
      return changed(one.account, ({ balances }) => ({ balances: { ...balances, held: one.held } }));
    case "movement": {
      const { account, balanceAfter } = one.entry;
      const moved = changed(account, ({ balances }) => ({ balances: { ...balances, posted: balanceAfter } }));
      return { ...moved, movements: [...movements, one.entry] };
    }
    default:
      return unreachable(one);
  }
}
