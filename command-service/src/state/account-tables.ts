import type { DatabaseSync } from "node:sqlite";
import type { AccountStatus, AccountType, Currency, Revision } from "ledger-core";

export const accountTablesSchema = `
  CREATE TABLE account_profiles (page INTEGER PRIMARY KEY, first INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
  CREATE TABLE account_standings (page INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
  CREATE TABLE account_kinds (kind INTEGER PRIMARY KEY, tenant TEXT NOT NULL, type TEXT NOT NULL, currency TEXT NOT NULL,
    time_zone TEXT NOT NULL, status TEXT NOT NULL) STRICT;
  CREATE TABLE account_names (revision INTEGER PRIMARY KEY, owner TEXT NOT NULL, display_name TEXT) STRICT;
  CREATE TABLE clearing_accounts (revision INTEGER PRIMARY KEY) STRICT;
`;

/** What many accounts have in common: kept once, and named by its number. */
export type AccountKind = {
  readonly tenant: string;
  readonly type: AccountType;
  readonly currency: Currency;
  readonly timeZone: string;
  readonly status: AccountStatus;
};

/** What only answers and a few checks look at. */
export type AccountNames = { readonly owner: string; readonly displayName: string | null };

/** The accounts in the state file: pages by number, names by the revision of the event that opened the account. */
export type AccountTables = {
  /** The revision of each page's first account, in order of the pages. */
  firsts(): Revision[];
  page(page: number): { readonly standing: Uint8Array; readonly profile: Uint8Array };
  writeProfile(page: number, first: Revision, data: Uint8Array): void;
  writeStanding(page: number, data: Uint8Array): void;
  /** In the order of their numbers. */
  kinds(): AccountKind[];
  writeKind(kind: number, of: AccountKind): void;
  names(revision: Revision): AccountNames;
  writeNames(revision: Revision, names: AccountNames): void;
  clearing(): Revision[];
  writeClearing(revision: Revision): void;
};

/** Rows are our own: the file's version says what stands in them. */
export function openAccountTables(db: DatabaseSync): AccountTables {
  const readFirsts = db.prepare("SELECT first FROM account_profiles ORDER BY page");
  const readPage = db.prepare(
    "SELECT s.data AS standing, p.data AS profile FROM account_standings s JOIN account_profiles p USING (page) WHERE page = ?",
  );
  const writeProfile = db.prepare("INSERT OR REPLACE INTO account_profiles VALUES (?, ?, ?)");
  const writeStanding = db.prepare("INSERT OR REPLACE INTO account_standings VALUES (?, ?)");
  const readKinds = db.prepare("SELECT tenant, type, currency, time_zone, status FROM account_kinds ORDER BY kind");
  const writeKind = db.prepare("INSERT INTO account_kinds VALUES (?, ?, ?, ?, ?, ?)");
  const readNames = db.prepare("SELECT owner, display_name FROM account_names WHERE revision = ?");
  const writeNames = db.prepare("INSERT INTO account_names VALUES (?, ?, ?)");
  const readClearing = db.prepare("SELECT revision FROM clearing_accounts ORDER BY revision");
  const writeClearing = db.prepare("INSERT INTO clearing_accounts VALUES (?)");
  return {
    firsts: () => readFirsts.all().map((row) => Number(row.first)),
    page(page) {
      const row = readPage.get(page);
      return { standing: row?.standing as Uint8Array, profile: row?.profile as Uint8Array };
    },
    writeProfile: (page, first, data) => void writeProfile.run(page, first, data),
    writeStanding: (page, data) => void writeStanding.run(page, data),
    kinds: () =>
      readKinds.all().map((row) => ({
        tenant: row.tenant as string,
        type: row.type as AccountType,
        currency: row.currency as Currency,
        timeZone: row.time_zone as string,
        status: row.status as AccountStatus,
      })),
    writeKind(kind, { tenant, type, currency, timeZone, status }) {
      writeKind.run(kind, tenant, type, currency, timeZone, status);
    },
    names(revision) {
      const row = readNames.get(revision);
      return { owner: row?.owner as string, displayName: row?.display_name as string | null };
    },
    writeNames: (revision, { owner, displayName }) => void writeNames.run(revision, owner, displayName),
    clearing: () => readClearing.all().map((row) => Number(row.revision)),
    writeClearing: (revision) => void writeClearing.run(revision),
  };
}
