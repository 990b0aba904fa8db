/** `platform` operates the installation: only it may use /metrics and rebuilds; it has no access to tenants' data. */
export const roles = ["operator", "service", "consumer", "merchant", "auditor", "platform"] as const;
export type Role = (typeof roles)[number];

/** The caller, always from a verified token. `sub` is the owner whose accounts a consumer or merchant may use. */
export type Caller = { readonly tenant: string; readonly role: Role; readonly sub: string };

/** The unit by which callers take turns and are counted; neither part holds a space. */
export function callerKey({ tenant, sub }: Caller): string {
  return `${tenant} ${sub}`;
}

/** The caller of the ledger's own commands (expiry); it has no key and belongs to the object's tenant. */
export const ledgerSub = "payledger";
