import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { isLedgerError } from "../domain/errors.ts";
import {
  integer,
  oneOf,
  optionalSecret,
  optionalText,
  readSettings,
  requiredSecret,
  requiredText,
  showSettings,
} from "./env.ts";

const settings = {
  NAME: requiredText(),
  NOTE: optionalText(),
  PORT: integer({ min: 0, max: 65_535, otherwise: 8080 }),
  LEVEL: oneOf(["info", "warn"], "warn"),
  SECRET: requiredSecret({ lengthMin: 8 }),
  TOKEN: optionalSecret({ lengthMin: 4 }),
};

test("values are read, and defaults fill in for what is absent or empty", () => {
  const { SECRET, ...values } = readSettings(settings, { NAME: "a", NOTE: "", PORT: "0", SECRET: "12345678" });
  expect(values).toEqual({ NAME: "a", NOTE: undefined, PORT: 0, LEVEL: "warn", TOKEN: undefined });
  expect(SECRET.reveal()).toBe("12345678");
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

/** A mounted file with this content. */
function mounted(content: string): string {
  const dir = mkdtempSync(join(tmpdir(), "ledger-env-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, "secret"), content);
  return join(dir, "secret");
}

test("a secret may come from a mounted file, less its last line break", () => {
  const { SECRET } = readSettings({ SECRET: settings.SECRET }, { SECRET_FILE: mounted("from a file\n") });
  expect(SECRET.reveal()).toBe("from a file");
});

test.each([
  [{ SECRET: "12345678", SECRET_FILE: "/nowhere" }, "SECRET and SECRET_FILE are both set: keep one of them"],
  [{ SECRET_FILE: "/nowhere/at/all" }, "SECRET_FILE names /nowhere/at/all, which cannot be read (ENOENT)"],
  [{ SECRET_FILE: "/" }, "SECRET_FILE names /, which cannot be read (EISDIR)"],
  [{ SECRET_FILE: "" }, "SECRET is not set"],
])("%j is told", (environment, message) => {
  expect(() => readSettings({ SECRET: settings.SECRET }, environment)).toThrow(message);
});

test("an empty mounted file is an absent setting", () => {
  expect(() => readSettings({ SECRET: settings.SECRET }, { SECRET_FILE: mounted("\n") })).toThrow("SECRET is not set");
});

test("printing, logging or inspecting a secret reveals nothing", () => {
  const { SECRET } = readSettings({ SECRET: settings.SECRET }, { SECRET: "planted-secret" });
  for (const shown of [JSON.stringify({ SECRET }), inspect({ SECRET }, { depth: 9, showHidden: true }), `${SECRET}`])
    expect(shown).not.toContain("planted");
});

test("settings are shown with their origin, and secrets masked", () => {
  const environment = { NAME: "amqp://user:planted@host", SECRET: "planted-secret", TOKEN_FILE: "/run/token" };
  const shown = showSettings(settings, environment);
  expect(shown).toEqual([
    { name: "NAME", value: "amqp://***@host", from: "set" },
    { name: "NOTE", value: "not set", from: "default" },
    { name: "PORT", value: "8080", from: "default" },
    { name: "LEVEL", value: "warn", from: "default" },
    { name: "SECRET", value: "***", from: "set" },
    { name: "TOKEN", value: "/run/token", from: "file" },
  ]);
});
