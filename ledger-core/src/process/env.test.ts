import { expect, test } from "vitest";
import { isLedgerError } from "../domain/errors.ts";
import { integer, oneOf, optionalSecret, optionalText, readSettings, requiredSecret, requiredText } from "./env.ts";

const settings = {
  NAME: requiredText(),
  NOTE: optionalText(),
  PORT: integer({ min: 0, max: 65_535, otherwise: 8080 }),
  LEVEL: oneOf(["info", "warn"], "warn"),
  SECRET: requiredSecret({ lengthMin: 8 }),
  TOKEN: optionalSecret({ lengthMin: 4 }),
};

test("values are read, and defaults fill in for what is absent or empty", () => {
  const values = readSettings(settings, { NAME: "a", NOTE: "", PORT: "0", SECRET: "12345678" });
  expect(values).toEqual({ NAME: "a", NOTE: undefined, PORT: 0, LEVEL: "warn", SECRET: "12345678", TOKEN: undefined });
});

test("every faulty setting is named at once, and no secret's value", () => {
  let message = "";
  try {
    readSettings(settings, { PORT: "80a", LEVEL: "loud", SECRET: "hunter2", TOKEN: "abc" });
  } catch (error) {
    expect(isLedgerError(error, "config")).toBe(true);
    message = error instanceof Error ? error.message : "";
  }
  for (const name of ["NAME", "PORT", "LEVEL", "SECRET", "TOKEN"]) expect(message).toContain(name);
  expect(message).not.toContain("NOTE");
  expect(message).not.toContain("hunter2");
  expect(message).not.toContain("abc");
});

test.each(["-1", "65536", "1.5", "0x10", "1e3", " 1"])("%j is no port", (text) => {
  expect(() => readSettings({ PORT: settings.PORT }, { PORT: text })).toThrow(/PORT must be a whole number/);
});
