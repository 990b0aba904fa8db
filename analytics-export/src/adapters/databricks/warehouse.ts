import { isLedgerError, LedgerError } from "ledger-core";

/** The value of a marker such as `:from`. */
export type SqlParameter = { readonly name: string; readonly value: string; readonly type: "STRING" | "DATE" };

/** A SQL warehouse. */
export type Warehouse = {
  /**
   * The rows of a statement; undefined if its table does not exist.
   * @throws LedgerError store_unavailable
   */
  query(
    statement: string,
    parameters: readonly SqlParameter[],
    rowsMax: number,
  ): Promise<readonly (readonly (string | null)[])[] | undefined>;
};

export type WarehouseOptions = {
  /** The workspace, `https://adb-….azuredatabricks.net`. */
  readonly url: string;
  readonly id: string;
  /** A token that is valid now. */
  readonly token: () => Promise<string>;
  /** A server refused the present token. */
  readonly onRefused?: () => void;
  /** How long a statement may take before the warehouse cancels it, in seconds. 5 to 50. Default 10. */
  readonly statementSeconds?: number;
  /** How long a request may take, in ms. 100 to 60,000. Default 15,000. */
  readonly timeoutMs?: number;
};

const PATH = "/api/2.0/sql/statements";
/** Far more than a page of rows has. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

type Cells = readonly (string | null)[];

/**
 * A Databricks SQL warehouse by its Statement Execution API: a statement and its rows are one request. It is cancelled
 * when it takes too long. Messages of the warehouse may quote a statement: only their error class is kept.
 */
export function openWarehouse({ url, id, token, onRefused, ...limits }: WarehouseOptions): Warehouse {
  const { statementSeconds = 10, timeoutMs = 15_000 } = limits;
  async function request(body: object): Promise<Answer> {
    const response = await fetch(`${url}${PATH}`, {
      method: "POST",
      headers: { authorization: `Bearer ${await token()}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status === 401 || response.status === 403) {
      onRefused?.();
      throw unavailable(`it refused the login: status ${response.status}`);
    }
    if (response.status !== 200) throw unavailable(`status ${response.status}`);
    return answerIn(await bodyOf(response));
  }

  return {
    async query(statement, parameters, rowsMax) {
      const wait = { wait_timeout: `${statementSeconds}s`, on_wait_timeout: "CANCEL" };
      const form = { disposition: "INLINE", format: "JSON_ARRAY", row_limit: rowsMax };
      try {
        const { state, error, rows, isWhole } = await request({
          ...{ warehouse_id: id, statement, parameters, ...wait, ...form },
        });
        if (state === "FAILED" && error === "TABLE_OR_VIEW_NOT_FOUND") return undefined;
        if (state !== "SUCCEEDED") throw unavailable(`the statement ended as ${state}${error ? `: ${error}` : ""}`);
        if (!isWhole) throw unavailable("it did not send all rows at once");
        return rows;
      } catch (error) {
        if (isLedgerError(error)) throw error;
        throw unavailable(error instanceof Error ? error.name : "no answer");
      }
    },
  };
}

async function bodyOf(response: Response): Promise<unknown> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    if (size > ANSWER_BYTES_MAX) throw unavailable("its answer is too long");
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString("utf8"));
  } catch {
    throw unavailable("its answer is not JSON");
  }
}

type Answer = {
  readonly state: string;
  readonly error: string | undefined;
  readonly rows: readonly Cells[];
  readonly isWhole: boolean;
};

/** An answer's parts that are used; nothing about its form is certain. */
function answerIn(body: unknown): Answer {
  const { status, result, manifest } = objectIn(body);
  const { state, error } = objectIn(status);
  const { data_array: rows = [], next_chunk_internal_link: next } = objectIn(result);
  const message = objectIn(error).message;
  const [, errorClass] = typeof message === "string" ? (/^\[([A-Z_.]{1,100})\]/.exec(message) ?? []) : [];
  if (typeof state !== "string" || !/^[A-Z_]{1,30}$/.test(state)) throw unavailable("its answer has no state");
  if (!Array.isArray(rows) || !rows.every(isCells)) throw unavailable("its answer has no rows of text");
  const isWhole = next === undefined && objectIn(manifest).truncated !== true;
  return { state, error: errorClass, rows, isWhole };
}

function isCells(row: unknown): row is Cells {
  return Array.isArray(row) && row.every((cell) => cell === null || typeof cell === "string");
}

function objectIn(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function unavailable(why: string): LedgerError {
  return new LedgerError("store_unavailable", `the SQL warehouse: ${why}`, { retryable: true });
}
