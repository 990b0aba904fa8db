/** The default payment rails. */
export const defaultRails: readonly string[] = ["fps", "card", "bank"];

const RAILS_MAX = 50;

/** Whether a text may name a rail: 1 to 40 lower-case letters, digits and dashes. `rail:<name>` owns its accounts. */
function isRail(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/.test(text);
}

/** Parses a list like `fps,card,bank`; undefined if it is empty, too long, or has an invalid or repeated rail. */
export function parseRails(text: string): readonly string[] | undefined {
  const rails = text.split(",").map((rail) => rail.trim());
  const fits = rails.every(isRail) && new Set(rails).size === rails.length && rails.length <= RAILS_MAX;
  return fits ? rails : undefined;
}
