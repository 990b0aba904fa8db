import { readFileSync } from "node:fs";
import { LedgerError } from "../domain/errors.ts";

/** How to read one setting from its text; `fault` is a clause that follows the setting's name. */
export type Setting<T> = {
  readonly absent: { readonly allowed: true; readonly value: T } | { readonly allowed: false };
  /** @param reread reads the file again that the text came from; undefined without a file, or if it cannot be read */
  parse(text: string, reread?: () => string | undefined): { readonly value: T } | { readonly fault: string };
  /** The default as text, for the documentation. */
  readonly standard?: string;
  /** May also be read from a mounted file, whose path is in the variable `<name>_FILE`. */
  readonly fromFile?: true;
  /** Never shown. */
  readonly secret?: true;
  /** One sentence for docs/configuration.md and `ledger config check`. */
  readonly about?: string;
};

export type Environment = Readonly<Record<string, string | undefined>>;
export type SettingsTable = Readonly<Record<string, Setting<unknown>>>;
export type SettingValues<S> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

/** A password or key. Printing, logging or inspecting it reveals nothing; only adapters call `reveal`. */
export type Secret = { reveal(): string };

/** One from a file is read again each time, so that a renewed token or password is taken without a restart. */
function makeSecret(text: string, reread: (() => string | undefined) | undefined): Secret {
  let known = text;
  return { reveal: () => (known = reread?.() ?? known) };
}

/** The environment, with these variables where it has none of the name. An empty one counts as absent. */
export function withDefaults(defaults: Environment, environment: Environment = process.env): Environment {
  const given = Object.entries(environment).filter(([, text]) => text !== undefined && text !== "");
  return { ...defaults, ...Object.fromEntries(given) };
}

/** Adds the sentence that documents a setting. */
export function documented<T>(about: string, setting: Setting<T>): Setting<T> {
  return { ...setting, about };
}

/** A text that must be given. */
export function requiredText(): Setting<string> {
  return { absent: { allowed: false }, parse: (text) => ({ value: text }) };
}

export function optionalText(): Setting<string | undefined> {
  return { absent: { allowed: true, value: undefined }, parse: (text) => ({ value: text }) };
}

/** A text with a default. */
export function textOr(otherwise: string): Setting<string> {
  return { absent: { allowed: true, value: otherwise }, parse: (text) => ({ value: text }), standard: otherwise };
}

/** Like `optionalText`, for texts that are usually mounted, such as certificates. */
export function optionalFile(): Setting<string | undefined> {
  return { ...optionalText(), fromFile: true };
}

/** A required secret: no default, and its value appears in no message. */
export function requiredSecret({ lengthMin }: { lengthMin: number }): Setting<Secret> {
  return {
    absent: { allowed: false },
    parse: (text, reread) => secret(text, reread, lengthMin),
    fromFile: true,
    secret: true,
  };
}

/** An optional secret; its value appears in no message. */
export function optionalSecret({ lengthMin }: { lengthMin: number }): Setting<Secret | undefined> {
  return { ...requiredSecret({ lengthMin }), absent: { allowed: true, value: undefined } };
}

function secret(
  text: string,
  reread: (() => string | undefined) | undefined,
  lengthMin: number,
): { value: Secret } | { fault: string } {
  return text.length < lengthMin
    ? { fault: `must have at least ${lengthMin} characters` }
    : { value: makeSecret(text, reread) };
}

/** A whole number; both bounds are inclusive. */
export function integer(bounds: { min: number; max: number; otherwise: number }): Setting<number> {
  return {
    absent: { allowed: true, value: bounds.otherwise },
    standard: String(bounds.otherwise),
    parse(text) {
      const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      if (value >= bounds.min && value <= bounds.max) return { value };
      return { fault: `must be a whole number from ${bounds.min} to ${bounds.max}, and is ${JSON.stringify(text)}` };
    },
  };
}

/** One of the given words. */
export function oneOf<const T extends string>(words: readonly T[], otherwise: NoInfer<T>): Setting<T> {
  return {
    absent: { allowed: true, value: otherwise },
    standard: otherwise,
    parse(text) {
      const value = words.find((word) => word === text);
      return value === undefined
        ? { fault: `must be one of ${words.join(", ")}, and is ${JSON.stringify(text)}` }
        : { value };
    },
  };
}

/**
 * Reads settings from the environment, or from the files that it names. An empty variable counts as absent.
 * @throws LedgerError config, one message that names every faulty setting
 */
export function readSettings<S extends SettingsTable>(
  settings: S,
  environment: Environment = process.env,
): SettingValues<S> {
  const { values, faults } = collectSettings(settings, environment);
  refuse(faults);
  return plainValues(values);
}

/** A setting in effect, safe to print. */
export type ShownSetting = { readonly name: string; readonly value: string; readonly from: "set" | "file" | "default" };

/** The settings in effect; secrets and mounted texts are masked. */
export function showSettings(settings: SettingsTable, environment: Environment = process.env): ShownSetting[] {
  return Object.entries(settings).map(([name, setting]) => {
    const file = setting.fromFile && environment[`${name}_FILE`];
    if (file) return { name, value: file, from: "file" };
    const text = environment[name];
    if (text === undefined || text === "") return { name, value: setting.standard ?? "not set", from: "default" };
    return { name, value: setting.fromFile ? "***" : withoutCredentials(text), from: "set" };
  });
}

/** Masks credentials in a URL, where they should not be. */
function withoutCredentials(text: string): string {
  return text.replace(/:\/\/[^/]*@/, "://***@");
}

/** The valid values, and a message per faulty setting. */
export type Collected = {
  readonly values: Record<string, { readonly value: unknown }>;
  readonly faults: readonly string[];
};

/** Drops the wrappers. Only the settings table knows the value types. */
export function plainValues<Values>(collected: Collected["values"]): Values {
  const entries = Object.entries(collected).map(([name, { value }]) => [name, value]);
  return Object.fromEntries(entries);
}

export function collectSettings(settings: SettingsTable, environment: Environment = process.env): Collected {
  const values: Record<string, { readonly value: unknown }> = {};
  const faults: string[] = [];
  for (const [name, setting] of Object.entries(settings)) {
    const text = textOf(name, setting, environment);
    if (typeof text === "object") {
      faults.push(text.fault);
    } else if (text === undefined) {
      if (setting.absent.allowed) values[name] = setting.absent;
      else faults.push(`${name} is not set`);
    } else {
      const result = setting.parse(text, () => rereadFile(name, setting, environment));
      if ("value" in result) values[name] = result;
      else faults.push(`${name} ${result.fault}`);
    }
  }
  return { values, faults };
}

/** A setting's text, from the variable or its file; undefined when it is absent. */
function textOf(name: string, setting: Setting<unknown>, environment: Environment): string | undefined | Fault {
  const text = environment[name] || undefined;
  const file = setting.fromFile && environment[`${name}_FILE`];
  if (!file) return text;
  if (text !== undefined) return { fault: `${name} and ${name}_FILE are both set: keep one of them` };
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "") || undefined;
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    return { fault: `${name}_FILE names ${file}, which cannot be read (${why})` };
  }
}

function rereadFile(name: string, setting: Setting<unknown>, environment: Environment): string | undefined {
  if (!environment[`${name}_FILE`]) return undefined;
  const text = textOf(name, setting, environment);
  return typeof text === "string" ? text : undefined;
}

type Fault = { readonly fault: string };

/** @throws LedgerError config when there are faults */
export function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw new LedgerError("config", `settings that cannot be used: ${faults.join("; ")}`);
}
