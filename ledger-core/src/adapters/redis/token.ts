/** When a JWT, such as an Entra token, expires; undefined for any other password. */
export function expiresAtMs(password: string): number | undefined {
  const [, payload, signature, ...others] = password.split(".");
  if (payload === undefined || signature === undefined || others.length > 0) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString());
    const exp = typeof claims === "object" && claims !== null && "exp" in claims ? claims.exp : undefined;
    return typeof exp === "number" ? exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}
