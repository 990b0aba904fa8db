import { entriesOf, holdOf, type LedgerEvent, type Projection, type SessionChange } from "ledger-core";

/** The app's first screen: an owner's accounts, their balances and the latest movements. */
export const sessionProjection: Projection<SessionChange> = { name: "session", project };

function project(event: LedgerEvent): readonly SessionChange[] {
  const { fact } = event;
  switch (fact.type) {
    case "AccountOpened":
      return [{ kind: "account", account: fact.account }];
    case "AccountFrozen":
    case "AccountUnfrozen":
    case "AccountClosed":
      return [{ kind: "status", account: fact.account.id, status: fact.account.status }];
    default:
      return [...movements(event), ...holds(event)];
  }
}

function movements(event: LedgerEvent): SessionChange[] {
  return entriesOf(event).map((entry) => ({ kind: "movement", entry }));
}

function holds(event: LedgerEvent): SessionChange[] {
  const hold = holdOf(event.fact);
  return hold ? [{ kind: "held", account: hold.account, held: hold.held }] : [];
}
