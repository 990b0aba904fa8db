import type { Micros } from "../domain/time.ts";

/** A revoked token or session: no token of the tenant with this id is accepted. */
export type Revocation = {
  readonly tenant: string;
  /** A token's own id (`jti`), or the id of a session (`sid`) that several tokens share. */
  readonly id: string;
  readonly revokedAt: Micros;
  /** When every token with this id has expired; the revocation may be dropped some time later. */
  readonly until: Micros;
};

/** A place in a store's sequence of revocations. A store that lost what it held has another `generation`. */
export type RevocationCursor = { readonly generation: string; readonly sequence: number };

export type RevocationPage = {
  readonly revocations: readonly Revocation[];
  readonly cursor: RevocationCursor;
  /** Whether there are more after the cursor. */
  readonly more: boolean;
};

/**
 * Where revocations are kept for all services. Every method may throw LedgerError `revocations_unavailable`, which
 * passes.
 */
export interface RevocationStore {
  /**
   * Keeps a revocation durably and returns the one that is kept: under the same tenant and id, the earliest `revokedAt`
   * and the latest `until`.
   */
  add(revocation: Revocation): Promise<Revocation>;
  /** Those added or prolonged after a cursor; from the first one without a cursor, or in another generation. */
  read(after: RevocationCursor | undefined): Promise<RevocationPage>;
  /** Drops those whose `until` is before a time, and returns how many are left. */
  dropExpired(before: Micros): Promise<number>;
  close(): Promise<void>;
}
