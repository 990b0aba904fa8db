import { describe, expect, test } from "vitest";
import { edgeLimits } from "./limits.ts";
import { type Held, UnderWay } from "./under-way.ts";

const KIB = 1024;
const caller = (sub: string, tenant = "t") => ({ tenant, sub, role: "consumer" }) as const;
const limits = {
  ...edgeLimits,
  callerRequestsMax: 3,
  anonymousRequestsMax: 1,
  bodyBytesMax: 1000 * KIB,
  callerBodyBytesMax: 300 * KIB,
};
const refused = (code: string) => expect.objectContaining({ code, headers: { "retry-after": "1" } });

function end(underWay: UnderWay, held: Held): void {
  underWay.answered(held);
  underWay.gone(held);
}

describe("one caller", () => {
  test("has a bound on open requests, whatever others have", () => {
    const underWay = new UnderWay(limits);
    const first = underWay.begin(caller("a"), 0);
    for (let n = 0; n < 2; n++) underWay.begin(caller("a"), 0);
    expect(() => underWay.begin(caller("a"), 0)).toThrow(refused("too_many_requests"));
    expect(() => underWay.begin(caller("a", "other"), 0)).not.toThrow();
    expect(() => underWay.begin(caller("b"), 0)).not.toThrow();
    end(underWay, first);
    expect(() => underWay.begin(caller("a"), 0)).not.toThrow();
  });

  test("has a bound on the bytes of open requests", () => {
    const underWay = new UnderWay(limits);
    underWay.begin(caller("a"), 200 * KIB);
    expect(() => underWay.begin(caller("a"), 101 * KIB)).toThrow(refused("too_many_requests"));
    expect(() => underWay.begin(caller("a"), 100 * KIB)).not.toThrow();
    expect(() => underWay.begin(caller("b"), 200 * KIB)).not.toThrow();
    expect(underWay.bytes).toBe(500 * KIB);
  });

  test("may always send one body, however small its share", () => {
    expect(() => new UnderWay({ ...limits, callerBodyBytesMax: 1 }).begin(caller("a"), 64 * KIB)).not.toThrow();
  });

  test("is held until it is answered and its client is done or gone, in either order, and once", () => {
    const underWay = new UnderWay(limits);
    for (const order of [
      ["answered", "gone"],
      ["gone", "answered"],
    ] as const) {
      const held = underWay.begin(caller("a"), 10);
      underWay[order[0]](held);
      underWay[order[0]](held);
      expect(underWay.requests).toBe(1);
      underWay[order[1]](held);
      underWay[order[1]](held);
      expect({ requests: underWay.requests, bytes: underWay.bytes, callers: underWay.callers }).toEqual({
        requests: 0,
        bytes: 0,
        callers: 0,
      });
    }
  });
});

describe("all callers together", () => {
  test("have a bound on the bytes of open requests, and bulks leave a quarter of it to others", () => {
    const underWay = new UnderWay(limits);
    const bulks = ["a", "b", "c"].map((sub) => underWay.begin(caller(sub), 250 * KIB));
    expect(() => underWay.begin(caller("d"), 65 * KIB)).toThrow(refused("overloaded"));
    for (let n = 0; n < 3; n++) underWay.begin(caller("d"), 64 * KIB);
    expect(() => underWay.begin(caller("e"), 64 * KIB)).toThrow(refused("overloaded"));
    expect(() => underWay.begin(caller("e"), 58 * KIB)).not.toThrow();
    for (const held of bulks) end(underWay, held);
    expect(() => underWay.begin(caller("f"), 250 * KIB)).not.toThrow();
  });

  test("count as long as they have something under way", () => {
    const underWay = new UnderWay(limits);
    const held = Array.from({ length: 1000 }, (_, n) => underWay.begin(caller(`s${n}`, `t${n % 10}`), 0));
    expect(underWay.callers).toBe(1000);
    for (const one of held) end(underWay, one);
    expect(underWay.callers).toBe(0);
  });
});

test("callers without a token have a bound of their own", () => {
  const underWay = new UnderWay(limits);
  underWay.begin(null, 0);
  expect(() => underWay.begin(null, 0)).toThrow(refused("too_many_requests"));
  expect(() => underWay.begin(caller("a"), 0)).not.toThrow();
});
