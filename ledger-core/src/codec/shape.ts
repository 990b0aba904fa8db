import type { IdPrefix, makeId } from "../domain/ids.ts";
import type { Amount } from "../domain/money.ts";

/** Any result of JSON.parse. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Converts between a domain value and its JSON. `read` throws Malformed on anything that `write` cannot produce. */
export type Shape<T> = { write(value: T): Json; read(json: Json | undefined): T };

/** Stored JSON does not fit its type and version; the codec adds the event's name. */
export class Malformed extends Error {}

function malformed(expected: string, json: Json | undefined): never {
  throw new Malformed(`expected ${expected}, found ${JSON.stringify(json)?.slice(0, 80)}`);
}

export const text: Shape<string> = {
  write: (value) => value,
  read: (json) => (typeof json === "string" ? json : malformed("a text", json)),
};

/** Counts, revisions, microseconds. */
export const integer: Shape<number> = {
  write: (value) => value,
  read: (json) => (typeof json === "number" && Number.isSafeInteger(json) ? json : malformed("an integer", json)),
};

export const flag: Shape<boolean> = {
  write: (value) => value,
  read: (json) => (typeof json === "boolean" ? json : malformed("true or false", json)),
};

const digits = /^(?:0|-?[1-9][0-9]{0,18})$/;

export const amount: Shape<Amount> = {
  write: (value) => value.toString(),
  read: (json) => (typeof json === "string" && digits.test(json) ? BigInt(json) : malformed("digits", json)),
};

/** A branded text that was validated before it was stored: a currency, a date, a code. */
export function branded<T extends string>(): Shape<T> {
  return text as Shape<string> as Shape<T>;
}

export function id<P extends IdPrefix>(prefix: P): Shape<ReturnType<typeof makeId<P>>> {
  const start = `${prefix}_`;
  type Branded = ReturnType<typeof makeId<P>>;
  return {
    write: (value) => value,
    read: (json) =>
      typeof json === "string" && json.length === start.length + 26 && json.startsWith(start)
        ? (json as Branded)
        : malformed(`an id ${start}…`, json),
  };
}

export function oneOf<T extends string>(...words: readonly T[]): Shape<T> {
  const known: ReadonlySet<unknown> = new Set(words);
  return {
    write: (value) => value,
    read: (json) => (known.has(json) ? (json as T) : malformed(words.join(" or "), json)),
  };
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return {
    write: (value) => (value === null ? null : shape.write(value)),
    read: (json) => (json === null ? null : shape.read(json)),
  };
}

export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return {
    write: (values) => values.map(item.write),
    read: (json) => (Array.isArray(json) ? json.map(item.read) : malformed("a list", json)),
  };
}

/** A shape for every field of T, in the order of writing. The compiler reports a missing one. */
type Fields<T> = { readonly [K in keyof T]-?: Shape<T[K]> };

export function record<T extends object>(fields: Fields<T>): Shape<T> {
  const entries = Object.entries(fields) as [keyof T & string, Shape<T[keyof T]>][];
  return {
    write: (value) => {
      const json: Record<string, Json> = {};
      for (const [name, shape] of entries) json[name] = shape.write(value[name]);
      return json;
    },
    read: (json) => {
      const object = asObject(json);
      const value: Record<string, unknown> = {};
      for (const [name, shape] of entries) value[name] = shape.read(object[name]);
      return value as T; // every field of T was read
    },
  };
}

/** String pairs, such as metadata. */
export const pairs: Shape<{ readonly [key: string]: string }> = {
  write: (value) => value,
  read: (json) => {
    const object = asObject(json);
    for (const key of Object.keys(object)) text.read(object[key]);
    return object as { readonly [key: string]: string };
  },
};

export function asObject(json: Json | undefined): { readonly [key: string]: Json } {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return malformed("an object", json);
  return json as { readonly [key: string]: Json };
}
