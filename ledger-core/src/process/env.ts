import { LedgerError } from "../domain/errors.ts";

/**
 * How one setting is read from its text; `fault` says what is wrong with it, in words that follow the setting's name.
 */
export type Setting<T> = {
  readonly absent: { readonly allowed: true; readonly value: T } | { readonly allowed: false };
  parse(text: string): { readonly value: T } | { readonly fault: string };
};

export type Environment = Readonly<Record<string, string | undefined>>;

type Values<S> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

/** A text that must be given. */
export function requiredText(): Setting<string> {
  return { absent: { allowed: false }, parse: (text) => ({ value: text }) };
}

export function optionalText(): Setting<string | undefined> {
  return { absent: { allowed: true, value: undefined }, parse: (text) => ({ value: text }) };
}

/** A text with a default. */
export function textOr(otherwise: string): Setting<string> {
  return { absent: { allowed: true, value: otherwise }, parse: (text) => ({ value: text }) };
}

/** A required secret: it has no default, and its value is in no message. */
export function requiredSecret({ lengthMin }: { lengthMin: number }): Setting<string> {
  return { absent: { allowed: false }, parse: (text) => secret(text, lengthMin) };
}

/** An optional secret; its value is in no message. */
export function optionalSecret({ lengthMin }: { lengthMin: number }): Setting<string | undefined> {
  return { absent: { allowed: true, value: undefined }, parse: (text) => secret(text, lengthMin) };
}

function secret(text: string, lengthMin: number): { value: string } | { fault: string } {
  return text.length < lengthMin ? { fault: `must have at least ${lengthMin} characters` } : { value: text };
}

/** A whole number, both bounds included. */
export function integer(bounds: { min: number; max: number; otherwise: number }): Setting<number> {
  return {
    absent: { allowed: true, value: bounds.otherwise },
    parse(text) {
      const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      if (value >= bounds.min && value <= bounds.max) return { value };
      return { fault: `must be a whole number from ${bounds.min} to ${bounds.max}, and is ${JSON.stringify(text)}` };
    },
  };
}

/** One of a few words. */
export function oneOf<const T extends string>(words: readonly T[], otherwise: NoInfer<T>): Setting<T> {
  return {
    absent: { allowed: true, value: otherwise },
    parse(text) {
      const value = words.find((word) => word === text);
      return value === undefined
        ? { fault: `must be one of ${words.join(", ")}, and is ${JSON.stringify(text)}` }
        : { value };
    },
  };
}

/**
 * Reads settings from the environment: the only place that looks at it. An empty variable counts as absent.
 * @throws LedgerError config, one message that names every faulty setting
 */
export function readSettings<S extends Readonly<Record<string, Setting<unknown>>>>(
  settings: S,
  environment: Environment = process.env,
): Values<S> {
  const faults: string[] = [];
  const values = Object.entries(settings).map(([name, setting]) => {
    const text = environment[name];
    if (text === undefined || text === "") {
      if (setting.absent.allowed) return [name, setting.absent.value];
      faults.push(`${name} is not set`);
      return [name, undefined];
    }
    const result = setting.parse(text);
    if ("value" in result) return [name, result.value];
    faults.push(`${name} ${result.fault}`);
    return [name, undefined];
  });
  if (faults.length > 0) throw new LedgerError("config", `settings that cannot be used: ${faults.join("; ")}`);
  return Object.fromEntries(values);
}
