/** Payment rails when none are configured. */
export const defaultRails: readonly string[] = ["fps", "card", "bank"];

const RAILS_MAX = 50;

/**
 * Whether a text may name a rail: 1 to 40 small letters, digits and dashes. Its clearing accounts are owned by
 * `rail:<name>`.
 */
function isRail(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/.test(text);
}

/**
 * The rails in a list like `fps,card,bank`; undefined when one is no rail, is named twice, or there are none or more
 * than RAILS_MAX.
 */
export function parseRails(text: string): readonly string[] | undefined {
  const rails = text.split(",").map((rail) => rail.trim());
  const fits = rails.every(isRail) && new Set(rails).size === rails.length && rails.length <= RAILS_MAX;
  return fits ? rails : undefined;
}
