import { createHmac, timingSafeEqual } from "node:crypto";

/** The query that a cursor is bound to; any other path, filter, order or caller is refused. */
export type CursorScope = {
  readonly path: string;
  readonly filters: Readonly<Record<string, string>>;
  readonly order: "asc" | "desc";
  readonly tenant: string;
  readonly sub: string;
};

/** Makes and reads cursors. */
export type Cursors = {
  seal(scope: CursorScope, lastKey: string): string;
  /** The key sealed for the same query; undefined for any other text. */
  open(scope: CursorScope, cursor: string): string | undefined;
};

export function signedCursors(key: Uint8Array): Cursors {
  return {
    seal: (scope, lastKey) => sealCursor(key, scope, lastKey),
    open: (scope, cursor) => openCursor(key, scope, cursor),
  };
}

/** 128 bits: the shortest truncation of HMAC-SHA-256 that RFC 2104 recommends, to keep cursors short. */
const MAC_BYTES = 16;

/**
 * Makes a cursor: the key of a page's last row, signed together with the query. Not secret, but clients cannot forge
 * it.
 */
export function sealCursor(key: Uint8Array, scope: CursorScope, lastKey: string): string {
  const payload = Buffer.from(lastKey, "utf8");
  return Buffer.concat([mac(key, scope, payload), payload]).toString("base64url");
}

/** The key that was sealed for the same query; undefined for any other text. */
export function openCursor(key: Uint8Array, scope: CursorScope, cursor: string): string | undefined {
  const bytes = Buffer.from(cursor, "base64url");
  // The decoder tolerates padding, foreign characters and stray bits; accept only the canonical spelling.
  if (bytes.length <= MAC_BYTES || bytes.toString("base64url") !== cursor) return undefined;
  const payload = bytes.subarray(MAC_BYTES);
  return timingSafeEqual(bytes.subarray(0, MAC_BYTES), mac(key, scope, payload)) ? payload.toString("utf8") : undefined;
}

function mac(key: Uint8Array, scope: CursorScope, payload: Buffer): Buffer {
  const filters = Object.entries(scope.filters).sort(([a], [b]) => (a < b ? -1 : 1));
  const bound = JSON.stringify(["cursor/1", scope.path, filters, scope.order, scope.tenant, scope.sub]);
  return createHmac("sha256", key).update(bound).update("\0").update(payload).digest().subarray(0, MAC_BYTES);
}
