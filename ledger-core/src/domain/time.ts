/** Microseconds since 1970-01-01T00:00:00Z. A safe integer until the year 2255. */
export type Micros = number;

/** A day in some account's time zone, `2026-11-22`. */
export type BusinessDate = string & { readonly __brand: "BusinessDate" };

const instantGrammar = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?Z$/;
const dateGrammar = /^\d{4}-\d{2}-\d{2}$/;

let lastSecond = Number.NaN;
let lastSecondText = "";
let lastInstant = Number.NaN;
let lastInstantText = "";

/** RFC 3339, UTC, always six decimals: `2026-11-22T08:30:00.000000Z`. */
export function formatInstant(at: Micros): string {
  // All events of a batch have one time.
  if (at === lastInstant) return lastInstantText;
  const second = Math.floor(at / 1_000_000);
  if (second !== lastSecond) {
    lastSecondText = new Date(second * 1000).toISOString().slice(0, 20);
    lastSecond = second;
  }
  lastInstantText = `${lastSecondText}${String(at - second * 1_000_000).padStart(6, "0")}Z`;
  lastInstant = at;
  return lastInstantText;
}

/**
 * Parses an RFC 3339 instant in UTC with up to six decimals; undefined if it is malformed, the day does not exist, or
 * microseconds cannot represent it exactly (before 1684, after 2255).
 */
export function parseInstant(text: unknown): Micros | undefined {
  if (typeof text !== "string") return undefined;
  const match = instantGrammar.exec(text);
  if (!match?.[1]) return undefined;
  const ms = Date.parse(`${match[1]}Z`);
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 19) !== match[1]) return undefined;
  const at = ms * 1000 + Number((match[2] ?? "").padEnd(6, "0"));
  return Number.isSafeInteger(at) ? at : undefined;
}

/** Parses a calendar date; undefined if malformed or not in the calendar, like 2026-02-30. */
export function parseBusinessDate(text: unknown): BusinessDate | undefined {
  if (typeof text !== "string" || !dateGrammar.test(text)) return undefined;
  const ms = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text) return undefined;
  return text as BusinessDate;
}

/**
 * Parses an IANA time zone known to this runtime, and corrects its case; undefined otherwise. An alias in an unusual
 * case becomes its zone, so that accounts have no more names than there are zones and aliases. Refuses fixed offsets,
 * which are not zones.
 */
export function parseTimeZone(text: unknown): string | undefined {
  if (typeof text !== "string" || !/^[A-Za-z][A-Za-z0-9_+\-/]{1,63}$/.test(text)) return undefined;
  const known = zoneNames.get(text);
  if (known !== undefined) return known;
  try {
    const { timeZone } = new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions();
    const name = aliasCase.test(text) && timeZone.toLowerCase() !== text.toLowerCase() ? text : timeZone;
    if (zoneNames.size >= ZONES_MAX) zoneNames.clear();
    zoneNames.set(text, name);
    return name;
  } catch {
    return undefined;
  }
}

/** The usual case: each word with a capital, like `Asia/Kolkata`. */
const aliasCase = /^[A-Z][a-z]*(?:[/_][A-Z][a-z]*)+$/;
/** Cached, since asking the runtime for a zone costs 0.2 ms and every account names one. */
const zoneNames = new Map<string, string>();
const formats = new Map<string, Intl.DateTimeFormat>();
const lastQuarter = new Map<string, { quarter: number; date: BusinessDate }>();
const QUARTER_US = 900_000_000;
/** More than there are zones; bounded, since clients can send aliases in any case. */
const ZONES_MAX = 1000;

/**
 * The day that an instant falls on in a time zone.
 * Every zone's offset is a multiple of 15 minutes, so one answer serves a whole quarter of an hour of UTC.
 */
export function businessDate(at: Micros, timeZone: string): BusinessDate {
  const quarter = Math.floor(at / QUARTER_US);
  const known = lastQuarter.get(timeZone);
  if (known?.quarter === quarter) return known.date;
  let format = formats.get(timeZone);
  if (!format) {
    if (formats.size >= ZONES_MAX) {
      formats.clear();
      lastQuarter.clear();
    }
    format = new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
    formats.set(timeZone, format);
  }
  const date = format.format(quarter * 900_000) as BusinessDate;
  lastQuarter.set(timeZone, { quarter, date });
  return date;
}

/** The first instant after a business date in a time zone, on days of 23 and 25 hours too. */
export function endOfBusinessDate(date: BusinessDate, timeZone: string): Micros {
  const midnight = Date.parse(`${date}T00:00:00Z`) * 1000;
  // No zone is further than 15 hours from UTC, so the day ends in this window, in which dates only grow.
  let low = Math.floor((midnight + 9 * 3_600_000_000) / QUARTER_US);
  let high = Math.floor((midnight + 39 * 3_600_000_000) / QUARTER_US);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (businessDate(middle * QUARTER_US, timeZone) > date) high = middle;
    else low = middle + 1;
  }
  return low * QUARTER_US;
}
