const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
const forbidden = new Set(["__proto__", "constructor", "prototype"]);

class Refused extends Error {}

/** Whether JSON must escape something in the text. */
function needsEscape(text: string): boolean {
  return [...text].some((char) => char === '"' || char === "\\" || char < " ");
}

/**
 * A slow reference for the body parser: RFC 8259 character by character, with the ledger's own rules where they belong.
 * Undefined for a text that is not an acceptable body.
 */
export function readStrictly(text: string, nestingMax = 16): { value: unknown } | undefined {
  let at = 0;

  function fail(): never {
    throw new Refused();
  }
  function space(): void {
    while (at < text.length && " \t\n\r".includes(text.charAt(at))) at++;
  }
  function take(token: string): void {
    if (!text.startsWith(token, at)) fail();
    at += token.length;
  }
  function string(): string {
    take('"');
    let value = "";
    for (;;) {
      const char = text.charAt(at++);
      if (char === '"') return value.isWellFormed() ? value : fail();
      if (char === "" || char < " ") fail();
      value += char === "\\" ? escaped() : char;
    }
  }
  function escaped(): string {
    const char = text.charAt(at++);
    if (char !== "u") return escapes[char] ?? fail();
    const digits = text.slice(at, at + 4);
    at += 4;
    return /^[0-9a-f]{4}$/i.test(digits) ? String.fromCharCode(Number.parseInt(digits, 16)) : fail();
  }
  function number(): number {
    const match = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(text.slice(at));
    if (!match) fail();
    at += match[0].length;
    return Number(match[0]);
  }
  function members(close: string, one: () => void): void {
    at++;
    space();
    if (text[at] === close) return void at++;
    for (;;) {
      one();
      space();
      if (text[at] === close) return void at++;
      take(",");
    }
  }
  function object(depth: number): object {
    const found = new Map<string, unknown>();
    members("}", () => {
      space();
      const key = string();
      if (found.has(key) || forbidden.has(key) || needsEscape(key)) fail();
      space();
      take(":");
      found.set(key, value(depth + 1));
    });
    return Object.fromEntries(found);
  }
  function array(depth: number): unknown[] {
    const found: unknown[] = [];
    members("]", () => found.push(value(depth + 1)));
    return found;
  }
  function value(depth: number): unknown {
    space();
    const char = text[at];
    if ((char === "{" || char === "[") && depth > nestingMax) fail();
    if (char === "{") return object(depth);
    if (char === "[") return array(depth);
    if (char === '"') return string();
    for (const [word, meant] of [["true", true] as const, ["false", false] as const, ["null", null] as const])
      if (text.startsWith(word, at)) {
        at += word.length;
        return meant;
      }
    return number();
  }

  try {
    space();
    if (text[at] !== "{") return undefined;
    const read = value(1);
    space();
    return at === text.length ? { value: read } : undefined;
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}
