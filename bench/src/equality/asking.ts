import type { Caller } from "ledger-core";
import { signToken } from "ledger-core/http/tokens";
import { openDataFolder } from "standalone/data-folder";

export type Asker = { readonly sub: string; readonly role: Caller["role"] };
export type RandomQuestion = Asker & {
  readonly path: string;
  /** For a list: how many rows to compare. */
  readonly rows?: number;
};
export type Body = Readonly<Record<string, unknown>>;

/** Asks a ledger questions as any caller. */
export type Asking = {
  /** The first rows of a list, and whether it ended there. */
  list(base: string, question: RandomQuestion): Promise<ListAnswer>;
  /** The status and body of any other answer, without the parts that differ per request. */
  single(base: string, question: RandomQuestion): Promise<object>;
};
export type ListAnswer = {
  readonly rows: readonly Body[];
  /** False if only the first pages were read: a page is short where no index matches its filter. */
  readonly ended: boolean;
  /** The refusal, as text. */
  readonly refusal?: string;
};

export const operator: Asker = { sub: "equality", role: "operator" };
const TENANT = "bench";
const PAGES_MAX = 20;

/** @param folder the data folder of either ledger: both have its keys */
export async function openAsking(folder: string): Promise<Asking> {
  const { signingKeys } = await openDataFolder(folder, { make: false });
  const tokens = new Map<string, Promise<string>>();

  function tokenOf({ sub, role }: Asker): Promise<string> {
    const name = `${role} ${sub}`;
    const token = tokens.get(name) ?? signToken({ tenant: TENANT, role, sub, ttlSeconds: 86_400 }, signingKeys);
    tokens.set(name, token);
    return token;
  }

  async function ask(base: string, asker: Asker, path: string): Promise<{ status: number; body: Body }> {
    const headers = { authorization: `Bearer ${await tokenOf(asker)}` };
    const response = await fetch(base + path, { headers });
    return { status: response.status, body: JSON.parse(await response.text()) };
  }

  return {
    async list(base, question) {
      const { path, rows: most = 0 } = question;
      const rows: Body[] = [];
      let cursor = "";
      for (let page = 0; page < PAGES_MAX; page++) {
        const { status, body } = await ask(base, question, path + cursor);
        if (status !== 200) return { rows, ended: true, refusal: `${status} ${body.code}` };
        rows.push(...rowsOf(body));
        if (rows.length >= most) return { rows: rows.slice(0, most), ended: true };
        if (body.nextCursor === null) return { rows, ended: true };
        cursor = `&cursor=${body.nextCursor}`;
      }
      return { rows, ended: false };
    },
    async single(base, question) {
      const { status, body } = await ask(base, question, question.path);
      const { instance: _, ...rest } = body;
      return { status, rest };
    },
  };
}

function rowsOf({ data }: Body): readonly Body[] {
  return Array.isArray(data) ? data : [];
}
