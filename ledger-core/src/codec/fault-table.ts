import type { BulkFault } from "../domain/events.ts";
import type { Json } from "./shape.ts";

/**
 * A stored fault: indexes of code and detail, the body of an id in the detail, the number of unlisted errors, pointers.
 */
type StoredFault = (number | string)[];

/** Replaces the body of an id in a stored text; a text that contains it is stored unchanged. */
const HOLE = "\u0000";
const idBody = /\b[a-z]{3,5}_([0-9a-hjkmnp-tv-z]{26})\b/;

/**
 * The distinct faults of a bulk's record, compact enough that 10,000 of them fit into one event: each text is stored
 * once and referred to by index. Indexes follow the order of use, so that equal faults in equal order give equal bytes.
 */
export class FaultTable {
  /** Codes and details, without the bodies of ids. */
  readonly texts: string[] = [];
  /** Pointers, and their details. */
  readonly pointers: string[] = [];
  readonly faults: StoredFault[] = [];
  /** The size of `texts`, `pointers` and `faults` as JSON. */
  bytes = 6;
  readonly #textIndexes = new Map<string, number>();
  readonly #pointerIndexes = new Map<string, number>();
  readonly #faultIndexes = new Map<string, number>();

  /**
   * The index of a fault, which is added if it is new. Undefined, with nothing added, if it would take more than `room`
   * bytes.
   */
  add({ code, detail, errors, more = 0 }: BulkFault, room = Number.POSITIVE_INFINITY): number | undefined {
    const before = { texts: this.texts.length, pointers: this.pointers.length };
    const [, body] = detail.includes(HOLE) ? [] : (idBody.exec(detail) ?? []);
    let bytes = 0;
    const index = (texts: string[], indexes: Map<string, number>, text: string): number => {
      const known = indexes.get(text);
      if (known !== undefined) return known;
      bytes += jsonBytes(text) + 1;
      indexes.set(text, texts.length);
      return texts.push(text) - 1;
    };
    const fault: StoredFault = [index(this.texts, this.#textIndexes, code)];
    fault.push(index(this.texts, this.#textIndexes, body === undefined ? detail : detail.replace(body, HOLE)));
    if (body !== undefined) fault.push(body);
    if (more > 0 || errors.length > 0) fault.push(more);
    for (const { pointer, detail: text } of errors) {
      fault.push(index(this.pointers, this.#pointerIndexes, pointer));
      fault.push(index(this.pointers, this.#pointerIndexes, text));
    }
    const stored = JSON.stringify(fault);
    const known = this.#faultIndexes.get(stored);
    if (known !== undefined) return known;
    bytes += stored.length + 1;
    if (bytes > room) {
      for (const text of this.texts.splice(before.texts)) this.#textIndexes.delete(text);
      for (const text of this.pointers.splice(before.pointers)) this.#pointerIndexes.delete(text);
      return undefined;
    }
    this.bytes += bytes;
    this.#faultIndexes.set(stored, this.faults.length);
    return this.faults.push(fault) - 1;
  }
}

/** The faults of a stored table. @throws RangeError for an index out of range */
export function storedFaults(
  texts: readonly string[],
  pointers: readonly string[],
  faults: readonly (readonly Json[])[],
): BulkFault[] {
  const at = (list: readonly string[], index: Json | undefined): string => {
    const text = typeof index === "number" ? list[index] : undefined;
    if (text === undefined) throw new RangeError(`no text ${JSON.stringify(index)}`);
    return text;
  };
  return faults.map((fault) => {
    const [code, detail, third] = fault;
    const body = typeof third === "string" ? third : undefined;
    const rest = fault.slice(body === undefined ? 2 : 3);
    const [more = 0] = rest;
    if (typeof more !== "number" || rest.length % 2 !== (rest.length === 0 ? 0 : 1)) throw new RangeError("no fault");
    const errors: { pointer: string; detail: string }[] = [];
    for (let i = 1; i < rest.length; i += 2)
      errors.push({ pointer: at(pointers, rest[i]), detail: at(pointers, rest[i + 1]) });
    const text = at(texts, detail);
    const known = { code: at(texts, code), detail: body === undefined ? text : text.replace(HOLE, body), errors };
    return more === 0 ? known : { ...known, more };
  });
}

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}
