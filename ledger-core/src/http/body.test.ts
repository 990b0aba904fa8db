import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readStrictly } from "../testing/strict-json.ts";
import { NESTING_MAX, parseBody } from "./body.ts";

function codeOf(bytes: Uint8Array | string): string {
  try {
    parseBody(Buffer.from(bytes));
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
  return "accepted";
}

function nested(depth: number): string {
  return `${'{"a":'.repeat(depth - 1)}{}${"}".repeat(depth - 1)}`;
}

describe("a body is refused when it", () => {
  test.each([
    ["is empty", "", "empty_body"],
    ["is only space", " \n", "malformed_json"],
    ["has trailing bytes", "{} {}", "malformed_json"],
    ["ends in a null byte", "{}\0", "malformed_json"],
    ["is cut", '{"a":1', "malformed_json"],
    ["holds NaN", '{"a":NaN}', "malformed_json"],
    ["holds 0x10", '{"a":0x10}', "malformed_json"],
    ["holds a leading plus", '{"a":+1}', "malformed_json"],
    ["holds a comment", '{"a":1/**/}', "malformed_json"],
    ["has a trailing comma", '{"a":1,}', "malformed_json"],
    ["holds a raw control character", '{"a":"\u0001"}', "malformed_json"],
    ["begins with a byte order mark", "\ufeff{}", "malformed_json"],
    ["is an array", "[]", "not_an_object"],
    ["is a string", '"a:{}"', "not_an_object"],
    ["is null", "null", "not_an_object"],
    ["names a key twice", '{"a":1,"b":2,"a":1}', "duplicate_key"],
    ["names a key twice, once escaped", '{"a":1,"\\u0061":2}', "duplicate_key"],
    ["names a key twice further in", '{"x":[{"a":{"b":1,"b":1}}]}', "duplicate_key"],
    ["drops an object behind its double", '{"a":{"b":1},"a":2}', "duplicate_key"],
    ["reaches for a prototype", '{"__proto__":{"x":1}}', "forbidden_key"],
    ["reaches for a prototype, escaped", '{"\\u005f_proto__":1}', "forbidden_key"],
    ["reaches for a constructor", '{"a":{"constructor":{"prototype":{}}}}', "forbidden_key"],
    ["reaches for a prototype alone", '{"a":[{"prototype":1}]}', "forbidden_key"],
    ["has a key with a backslash", '{"a":1,"\\\\":2}', "forbidden_key"],
    ["has a key with a quotation mark", '{"a\\"b":1}', "forbidden_key"],
    ["has a key with a control character", '{"a\\u0000":1}', "forbidden_key"],
    ["has a key with an escape that is none", '{"\\x":1}', "malformed_json"],
    ["holds a lone high surrogate", '{"a":"\\ud800"}', "lone_surrogate"],
    ["holds a lone low surrogate in a key", '{"\\udc00x":1}', "lone_surrogate"],
    ["holds a pair the wrong way round", '{"a":["\\udc00\\ud800"]}', "lone_surrogate"],
    ["nests too deep", nested(NESTING_MAX + 1), "too_deep"],
    ["nests arrays too deep", `{"a":${"[".repeat(NESTING_MAX)}${"]".repeat(NESTING_MAX)}}`, "too_deep"],
    ["opens without end", "[".repeat(60_000), "too_deep"],
  ])("%s", (_name, text, code) => {
    expect(codeOf(text)).toBe(code);
  });

  test.each([
    ["a stray continuation byte", [0x80]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["an encoded surrogate", [0xed, 0xa0, 0x80]],
    ["a cut sequence", [0xe2, 0x82]],
    ["UTF-16", [0xff, 0xfe, 0x7b, 0x00]],
  ])("is not UTF-8: %s", (_name, bytes) => {
    expect(codeOf(Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')]))).toBe("invalid_utf8");
  });
});

test.each([
  ["colons and braces in strings", { "a:b{": "c:d}[", e: ':"\\":' }],
  ["a pair of surrogates", { a: "\u{1f600}" }],
  ["the deepest nesting that is allowed", JSON.parse(nested(NESTING_MAX))],
  ["keys that only look like a prototype", { _proto_: 1, constructors: 2, toString: 3, hasOwnProperty: 4, "": 5 }],
  ["keys with control characters that JSON does not escape", { "\u007f": 1, "a\u0085": 2 }],
])("accepts %s", (_name, value) => {
  expect(parseBody(Buffer.from(JSON.stringify(value)))).toEqual(value);
});

test("reads an escaped key alike with and without need of the escape", () => {
  expect(parseBody(Buffer.from('{"\\u007f":1}'))).toEqual(parseBody(Buffer.from('{"\u007f":1}')));
});

test("reads an escaped pair of surrogates", () => {
  expect(parseBody(Buffer.from('{"a":"\\ud83d\\ude00"}'))).toEqual({ a: "\u{1f600}" });
});

test("reads an escaped key right after another client sent one that is a backslash", () => {
  for (const poison of ['{"a":1,"\\\\":2}', '{"a":1,"b\\\\":2}']) expect(codeOf(poison)).toBe("forbidden_key");
  JSON.parse('{"a":1,"\\\\":2}');
  JSON.parse('{"a":1,"b\\\\":2}');
  expect(parseBody(Buffer.from('{"a":1,"\\u4e2d":2}'))).toEqual({ a: 1, "\u4e2d": 2 });
  expect(parseBody(Buffer.from('{"a":1,"b\\u0063" : "\\\\"}'))).toEqual({ a: 1, bc: "\\" });
});

/** Objects with few distinct keys, so that doubles are common, and strings full of what JSON is made of. */
const key = fc.oneof(fc.constantFrom("a", "b", "__proto__", "constructor", 'q"', "\\"), fc.string({ unit: "binary" }));
const leaf = fc.oneof(fc.constantFrom("null", "true", "-0", "1e400", "12.5"), key.map(escapeSome));
const { object: body } = fc.letrec<{ json: string; object: string; array: string }>((tie) => ({
  json: fc.oneof({ maxDepth: 6 }, leaf, tie("object"), tie("array")),
  object: fc
    .array(fc.tuple(key, tie("json")), { maxLength: 4 })
    .map((members) => `{${members.map(([name, value]) => `${escapeSome(name)} : ${value}`).join(",")}}`),
  array: fc.array(tie("json"), { maxLength: 3 }).map((items) => `[${items.join()}]`),
}));

/** A JSON string in which some characters are escaped without need. */
function escapeSome(text: string): string {
  return JSON.stringify(text).replace(/[a_]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
}

test("agrees with a slow reader on made-up JSON, damaged or not", () => {
  const damage = fc.option(fc.tuple(fc.nat(), fc.constantFrom('"', "\\", ":", "{", "}", ",", " ", "0", "\\ud800")));
  fc.assert(
    fc.property(body, damage, (text, harm) => {
      const at = harm ? harm[0] % (text.length + 1) : 0;
      const sent = Buffer.from(harm ? `${text.slice(0, at)}${harm[1]}${text.slice(at)}` : text);
      const expected = readStrictly(sent.toString());
      if (expected === undefined) expect(codeOf(sent)).not.toBe("accepted");
      else expect(parseBody(sent)).toEqual(expected.value);
    }),
    { numRuns: 3000 },
  );
});
