import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type BusinessDate,
  businessDate,
  endOfBusinessDate,
  formatInstant,
  type Micros,
  parseBusinessDate,
  parseInstant,
  parseTimeZone,
} from "./time.ts";

const HOUR_US = 3_600_000_000;

function instant(text: string): Micros {
  const at = parseInstant(text);
  if (at === undefined) throw new RangeError(`${text} is no instant`);
  return at;
}

function day(text: string): BusinessDate {
  const date = parseBusinessDate(text);
  if (date === undefined) throw new RangeError(`${text} is no date`);
  return date;
}

describe("instants", () => {
  it("always show six decimals", () => {
    expect(formatInstant(0)).toBe("1970-01-01T00:00:00.000000Z");
    expect(formatInstant(1_795_336_200_000_001)).toBe("2026-11-22T08:30:00.000001Z");
    expect(formatInstant(-1)).toBe("1969-12-31T23:59:59.999999Z");
  });

  it("come back as they went out, to the microsecond", () => {
    const anyInstant = fc.integer({ min: -8_000_000_000_000_000, max: 9_000_000_000_000_000 });
    fc.assert(
      fc.property(anyInstant, (at) => {
        expect(parseInstant(formatInstant(at))).toBe(at);
      }),
    );
  });

  it("may have fewer decimals", () => {
    expect(instant("2026-11-22T08:30:00Z")).toBe(1_795_336_200_000_000);
    expect(instant("2026-11-22T08:30:00.5Z")).toBe(1_795_336_200_500_000);
  });

  it.each([
    "2026-02-30T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-11-22T24:00:00Z",
    "2026-11-22T08:30:60Z",
    "2026-11-22T08:30:00+08:00",
    "2026-11-22 08:30:00Z",
    "2026-11-22T08:30:00.1234567Z",
    "2026-11-22T08:30:00.Z",
    "2026-11-22T08:30:00",
    "2026-11-22",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
    "",
  ])("%s is none", (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  it.each([1_795_336_200, null, undefined, {}])("%s is none, not being text", (value) => {
    expect(parseInstant(value)).toBeUndefined();
  });
});

describe("dates and zones from outside", () => {
  it("must exist", () => {
    expect(parseBusinessDate("2024-02-29")).toBe("2024-02-29");
    for (const value of [
      "2026-02-29",
      "2026-02-30",
      "2026-00-10",
      "2026-1-1",
      "20260101",
      "2026-01-01Z",
      "",
      20260101,
    ]) {
      expect(parseBusinessDate(value), String(value)).toBeUndefined();
    }
  });

  it("zones have a name, in its proper case", () => {
    expect(parseTimeZone("Asia/Hong_Kong")).toBe("Asia/Hong_Kong");
    expect(parseTimeZone("europe/PRAGUE")).toBe("Europe/Prague");
    expect(parseTimeZone("UTC")).toBe("UTC");
    const kolkata = parseTimeZone("Asia/Kolkata");
    expect(kolkata).toMatch(/^Asia\/(Kolkata|Calcutta)$/);
    // However it is written, an alias has at most two names.
    const names = ["asia/kolkata", "ASIA/KOLKATA", "aSIA/kOLKATA", "asia/calcutta"].map(parseTimeZone);
    expect(new Set([...names, kolkata]).size).toBeLessThanOrEqual(2);
    for (const value of ["+08:00", "Mars/Olympus", "", "../etc/passwd", "Asia/Hong Kong", null, 8]) {
      expect(parseTimeZone(value), String(value)).toBeUndefined();
    }
  });
});

describe("business dates", () => {
  it("case 10: 15:59:59.999999Z and 16:00Z on 30 June fall into June and July in Hong Kong", () => {
    expect(businessDate(instant("2026-06-30T15:59:59.999999Z"), "Asia/Hong_Kong")).toBe("2026-06-30");
    expect(businessDate(instant("2026-06-30T16:00:00Z"), "Asia/Hong_Kong")).toBe("2026-07-01");
    expect(businessDate(instant("2026-06-30T16:00:00Z"), "UTC")).toBe("2026-06-30");
  });

  it.each([
    ["2026-03-29", "Europe/Prague", 23],
    ["2026-10-25", "Europe/Prague", 25],
    ["2026-03-08", "America/New_York", 23],
    ["2026-11-01", "America/New_York", 25],
    ["2026-04-05", "Australia/Lord_Howe", 24.5],
    ["2026-11-22", "Asia/Hong_Kong", 24],
    ["2026-11-22", "Asia/Kathmandu", 24],
    ["2026-11-22", "Pacific/Kiritimati", 24],
    ["2026-11-22", "Etc/GMT+12", 24],
  ])("case 10: %s in %s has %d hours, and each of its instants falls on it", (text, zone, hours) => {
    const date = day(text);
    const end = endOfBusinessDate(date, zone);
    const start = end - hours * HOUR_US;
    expect(businessDate(start - 1, zone) < date).toBe(true);
    expect(businessDate(start, zone)).toBe(date);
    expect(businessDate(end - 1, zone)).toBe(date);
    expect(businessDate(end, zone) > date).toBe(true);
  });

  it("a day that a zone skipped ends where it would have begun", () => {
    // Samoa went from 29 to 31 December 2011.
    expect(endOfBusinessDate(day("2011-12-30"), "Pacific/Apia")).toBe(
      endOfBusinessDate(day("2011-12-29"), "Pacific/Apia"),
    );
  });

  it("agree with the calendar of the runtime, whatever was asked before", () => {
    const zones = ["UTC", "Asia/Hong_Kong", "America/St_Johns", "Asia/Kathmandu", "Pacific/Chatham", "Europe/Prague"];
    const at = fc.integer({ min: 0, max: 4_000_000_000_000_000 });
    fc.assert(
      fc.property(fc.array(fc.tuple(at, fc.constantFrom(...zones)), { maxLength: 10 }), (questions) => {
        for (const [when, timeZone] of questions) {
          const expected = new Date(Math.floor(when / 1000)).toLocaleDateString("sv-SE", { timeZone });
          expect(businessDate(when, timeZone)).toBe(expected);
        }
      }),
    );
  });
});
