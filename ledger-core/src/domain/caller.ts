/**
 * `platform` runs the installation: it commands nothing and reads no tenant's data, and it alone may use /metrics and
 * rebuilds.
 */
export const roles = ["operator", "service", "consumer", "merchant", "auditor", "platform"] as const;
export type Role = (typeof roles)[number];

/**
 * Who asks, from a verified token and from nowhere else. `sub` is the owner whose accounts a consumer or merchant may
 * use.
 */
export type Caller = { readonly tenant: string; readonly role: Role; readonly sub: string };

/** The caller of the ledger's own commands (expiry); it has no key and belongs to the object's tenant. */
export const ledgerSub = "payledger";
